import { pb } from '../../lib/pb'
import type { AssistantsRecord, PhoneNumbersRecord } from '../../lib/pb-types.gen'

type Only = Pick<PhoneNumbersRecord, 'id' | 'assistant' | 'sync_status'>

/**
 * Where an organization has one assistant and one number that calls come in on, the one answers the other without being
 * told. Returns the assistant's name, '' when nothing was joined.
 */
export async function joinOnly(organization: string): Promise<string> {
  const two = (filter: string, fields: string) => ({
    filter: pb.filter(`organization = {:organization} && ${filter}`, { organization }), fields, skipTotal: true,
  })
  const [assistants, numbers] = await Promise.all([
    pb.collection('assistants').getList<Pick<AssistantsRecord, 'id' | 'name'>>(1, 2, two('type = "voice"', 'id,name')),
    pb.collection('phone_numbers').getList<Only>(1, 2, two('provider != "other"', 'id,assistant,sync_status')),
  ])
  const [[assistant, ...others], [number, ...more]] = [assistants.items, numbers.items]
  if (!assistant || !number || others.length + more.length > 0) return ''
  if (number.assistant || number.sync_status === 'deleting') return ''
  await pb.collection('phone_numbers').update(number.id, { assistant: assistant.id }, { fields: 'id' })
  return assistant.name
}
