// The receptionist: French, on a phone, with callers who wait.
import { arrived, fill, said } from '../person.mjs'
import { fr } from '../words.mjs'
import { linkTo } from './mails.mjs'
import { assistantOf } from './membership.mjs'

const PHONE = { language: 'fr', width: 360, height: 740 }
/** The calls that the first screen shows whole. */
const FIRST = 5

/** A number that the assistant answers, and callers before today's shift. */
async function callers(world, client) {
  const right = async (method, at, body) => {
    const answer = await world.asAda(method, at, body)
    if (answer.status >= 300) throw new Error(`${method} ${at}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 200)}`)
    return answer.body
  }
  await right('POST', '/api/collections/phone_numbers/records', { organization: client.id, provider: 'vapi', area_code: '415', assistant: await assistantOf(world) })
  for (let i = 0; i <= FIRST; i++) {
    await right('POST', `/api/calls?organization=${client.id}`, { caller_number: `+1415555017${i}`, duration: 60 + i, summary: 'Demande à être rappelé au sujet de son rendez-vous de jeudi matin.' })
  }
}

export async function receptionist(world) {
  const [client] = world.clients
  await callers(world, client)
  const chloe = world.chloe = world.person('Chloé Martin', 'chloe@martin.test')
  const page = await chloe.window(PHONE)
  const invited = await world.asAda('POST', `/api/team-members?organization=${client.id}`, { email: chloe.email, full_name: chloe.name, role: 'agent', status: 'invited', can_view_calls: true })
  if (invited.status >= 300) throw new Error(`the invitation: ${invited.status} ${JSON.stringify(invited.body)}`)
  await chloe.go(await linkTo(world, chloe.email, '/accept-invite#token=', [client.name]))
  await page.getByRole('heading', { name: fr('invite.join', { organization: client.name }) }).waitFor()
  await fill(page, { fullName: chloe.name, password: chloe.password })
  await page.getByRole('button', { name: fr('invite.accept') }).click()
  await arrived(page)

  await page.getByRole('navigation', { name: fr('shell.quick') }).getByRole('link', { name: fr('nav.calls') }).click()
  await page.waitForURL(/\/calls(\?|$)/)
  const rows = page.locator('main [data-row]')
  await rows.nth(FIRST - 1).waitFor()
  const [card, bar] = [await rows.nth(FIRST - 1).boundingBox(), await page.getByRole('navigation', { name: fr('shell.quick') }).boundingBox()]
  if (card.y + card.height > bar.y) throw new Error(`row ${FIRST} ends at ${card.y + card.height}, below the ${bar.y} px of the first screen`)

  await rows.first().getByRole('link').click()
  await page.waitForURL(/\/calls\/[a-z0-9]{15}$/)
  const call = page.url()
  // What to do stays in sight, wherever the page stands.
  const back = page.getByRole('button', { name: fr('calls.callBack'), exact: true })
  await back.waitFor()
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight))
  const at = await back.boundingBox()
  if (at.y < 0 || at.y + at.height > PHONE.height) throw new Error(`"${fr('calls.callBack')}" stands at ${at.y} when the page is scrolled down`)
  await back.click()
  const dialog = page.getByRole('dialog', { name: fr('calls.place.title') })
  await dialog.getByRole('button', { name: fr('calls.place.call') }).click()
  await page.waitForURL((url) => /\/calls\/[a-z0-9]{15}$/.test(url.pathname) && url.href !== call)

  await chloe.go(call)
  await page.getByRole('button', { name: fr('calls.done'), exact: true }).click()
  await said(page, fr('calls.doneSaid'))
  await page.getByRole('button', { name: fr('calls.reopen'), exact: true }).waitFor()
  const stored = await chloe.ask('GET', `/api/collections/calls/records/${call.split('/').pop()}`)
  if (stored.body.resolution_status !== 'resolved') throw new Error(`the call is stored as ${stored.body.resolution_status}`)
  return `${FIRST} calls on the first screen, called back, done`
}
