import { locale } from './i18n'

const made = new Map<string, unknown>()

/** Formatters are slow to make (milliseconds on a phone) and quick to use: one for each language and set of options. */
function kept<O extends object, F>(kind: string, Format: new (locale: string, options: O) => F, options: O): F {
  const key = `${kind} ${locale()} ${JSON.stringify(options)}`
  let format = made.get(key) as F | undefined
  if (!format) made.set(key, (format = new Format(locale(), options)))
  return format
}
const dates = (options: Intl.DateTimeFormatOptions) => kept('date', Intl.DateTimeFormat, options)
const numbers = (options: Intl.NumberFormatOptions) => kept('number', Intl.NumberFormat, options)

const DAY = 86_400_000

/** PocketBase writes "2026-01-02 03:04:05.000Z"; browsers want the T. Invalid or empty values are undefined. */
export function parseDate(value: string | Date | null | undefined): Date | undefined {
  if (!value) return undefined
  const date = value instanceof Date ? value : new Date(value.replace(' ', 'T'))
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** Whether a moment is over; no moment never is. */
export function isPast(value: string | Date | null | undefined): boolean {
  const date = parseDate(value)
  return date !== undefined && date.getTime() < Date.now()
}

/** A moment in a zone. Unknown zone names (typed by hand long ago) fall back to the browser's. */
export function dateTime(date: Date, zone: string | undefined, options: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'short' }): string {
  try {
    return dates({ ...options, ...(zone && { timeZone: zone }) }).format(date)
  } catch {
    return dates(options).format(date)
  }
}

const thisYears: Intl.DateTimeFormatOptions = { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' }

/** "3 minutes ago" within a day, else the date and time in the organization's zone; `short` leaves out the year it is. */
export function when(date: Date, zone: string | undefined, now = Date.now(), short = false): string {
  const difference = date.getTime() - now
  const distance = Math.abs(difference)
  if (distance >= DAY) {
    const year = (at: number | Date) => dateTime(new Date(at), zone, { year: 'numeric' })
    return dateTime(date, zone, short && year(date) === year(now) ? thisYears : undefined)
  }
  const relative = kept('relative', Intl.RelativeTimeFormat, { numeric: 'auto' as const })
  if (distance < 60_000) return relative.format(Math.trunc(difference / 1000 / 10) * 10, 'second')
  if (distance < 3_600_000) return relative.format(Math.trunc(difference / 60_000), 'minute')
  return relative.format(Math.trunc(difference / 3_600_000), 'hour')
}

/** An amount in a currency's smallest unit: cents for EUR, whole francs for XOF, which has no decimals. */
export function money(minor: number, currency: string): string {
  const code = currency.toUpperCase()
  try {
    const format = numbers({ style: 'currency', currency: code })
    const digits = format.resolvedOptions().maximumFractionDigits ?? 2
    return format.format(minor / 10 ** digits)
  } catch {
    return `${(minor / 100).toFixed(2)} ${code}`
  }
}

const two = (n: number) => String(n).padStart(2, '0')

/** "2 min 05 s", "1 h 02 min": for sentences and cells. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60]
  if (h > 0) return `${h} h ${two(m)} min`
  if (m > 0) return `${m} min ${two(s)} s`
  return `${s} s`
}

/** "2:05", "1:02:05": for players and running clocks. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60]
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

export function number(value: number, options?: Intl.NumberFormatOptions): string {
  return numbers(options ?? {}).format(value)
}

// Cities that have another name in French, with the word before it where that is not "de" or "d’".
const cities: Record<string, string> = {
  Algiers: 'd’Alger', Athens: 'd’Athènes', Barcelona: 'de Barcelone', Beirut: 'de Beyrouth', Brussels: 'de Bruxelles',
  Bucharest: 'de Bucarest', Cairo: 'du Caire', Copenhagen: 'de Copenhague', Djibouti: 'de Djibouti', Dublin: 'de Dublin',
  Geneva: 'de Genève', Havana: 'de La Havane', Lisbon: 'de Lisbonne', London: 'de Londres', Luxembourg: 'de Luxembourg',
  Mauritius: 'de Maurice', Mexico_City: 'de Mexico', Montreal: 'de Montréal', Moscow: 'de Moscou', Reunion: 'de La Réunion',
  Singapore: 'de Singapour', Tunis: 'de Tunis', Vienna: 'de Vienne', Warsaw: 'de Varsovie', Noumea: 'de Nouméa',
  Tahiti: 'de Tahiti', Sao_Paulo: 'de São Paulo', Bogota: 'de Bogota',
}

/** A time zone as people say it: "Paris time", "heure de Paris". UTC is no place: "universal time (UTC)". */
export function zoneName(zone: string): string {
  const french = locale() === 'fr'
  if (!zone || /^(Etc\/)?(UTC|GMT|Universal|Zulu)$/.test(zone)) return french ? 'temps universel (UTC)' : 'universal time (UTC)'
  const last = zone.split('/').at(-1)!
  const city = last.replaceAll('_', ' ')
  if (!zone.includes('/') || zone.startsWith('Etc/')) return zone
  return french ? `heure ${cities[last] ?? (/^[aeiouyéèô]/i.test(city) ? `d’${city}` : `de ${city}`)}` : `${city} time`
}

/** Zones to choose from, by the names people say; the browser knows them all, so no list is shipped. `own` is one more. */
export function zoneChoices(own = ''): { value: string; label: string }[] {
  return [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone'), own])].filter(Boolean)
    .map((value) => ({ value, label: capital(zoneName(value)) })).sort((a, b) => a.label.localeCompare(b.label))
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

/** "French" for "fr-FR"; what is no language code comes back as it is. */
export function languageName(code: string): string {
  try {
    return new Intl.DisplayNames(locale(), { type: 'language' }).of(code) ?? code
  } catch {
    return code
  }
}

let here: string | undefined

export function browserZone(): string {
  return (here ??= Intl.DateTimeFormat().resolvedOptions().timeZone)
}

const zones = (region: string) => {
  const locale = new Intl.Locale('und', { region }) as Intl.Locale & { getTimeZones?: () => string[] | undefined; timeZones?: string[] }
  return locale.getTimeZones?.() ?? locale.timeZones // an older name of the same
}

/** The country whose zone the browser is in, else the one of its language; '' when it tells neither. */
export function browserCountry(codes: string[], zone = browserZone(), language = navigator.language): string {
  return codes.find((code) => zones(code)?.includes(zone)) ?? codes.find((code) => code === new Intl.Locale(language).region) ?? ''
}
