import { useQuery } from '@tanstack/react-query'
import { pb } from '../../lib/pb'
import type { OrganizationsRecord } from '../../lib/pb-types.gen'
import type { Closure, Week } from './hours'

export type OrganizationDetail = Pick<
  OrganizationsRecord,
  'id' | 'name' | 'description' | 'status' | 'plan' | 'company_size' | 'industry' | 'country' | 'timezone' | 'language' | 'currency' | 'logo' | 'deletes_at' | 'paused' | 'mask_numbers'
> & { collectionId: string; collectionName: string; business_hours: Week | null; closures: Closure[] | null }

const fields = 'id,collectionId,collectionName,name,description,status,plan,company_size,industry,country,timezone,language,currency,logo,deletes_at,paused,mask_numbers,business_hours,closures'

/** The organization's own row, as its settings show it. */
export function useOrganization(id: string) {
  return useQuery({
    queryKey: [id, 'organizations', 'one'],
    queryFn: ({ signal }) => pb.collection('organizations').getOne<OrganizationDetail>(id, { fields, signal }),
  })
}

/** Saves part of the organization; answers with the whole of it. */
export function saveOrganization(id: string, change: object): Promise<OrganizationDetail> {
  return pb.collection('organizations').update<OrganizationDetail>(id, change, { fields })
}

// ISO 3166-1 alpha-2; the browser knows the names in every language.
const codes =
  'AD AE AF AG AI AL AM AO AR AT AU AZ BA BB BD BE BF BG BH BI BJ BN BO BR BS BT BW BY BZ CA CD CF CG CH CI CL CM CN CO CR CU CV CY CZ DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FR GA GB GD GE GF GH GM GN GP GQ GR GT GW GY HK HN HR HT HU ID IE IL IN IQ IR IS IT JM JO JP KE KG KH KI KM KN KR KW KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG MH MK ML MM MN MQ MR MT MU MV MW MX MY MZ NA NC NE NG NI NL NO NP NR NZ OM PA PE PF PG PH PK PL PR PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SI SK SL SM SN SO SR SS ST SV SY SZ TD TG TH TJ TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VN VU WS YE YT ZA ZM ZW'

export const countryCodes = codes.split(' ')

/** Countries for a select, by name in the language on screen. */
export function countries(language: string): { value: string; label: string }[] {
  const names = new Intl.DisplayNames(language, { type: 'region' })
  return countryCodes.map((value) => ({ value, label: names.of(value) ?? value })).sort((a, b) => a.label.localeCompare(b.label, language))
}
