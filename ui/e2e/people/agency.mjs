// The admin of an agency with thirty clients: finds, orders, changes many at once, on a desk and on a phone.
import { settled } from '../browser.mjs'
import { said } from '../person.mjs'
import { t } from '../words.mjs'
import { linkTo } from './mails.mjs'

const CLIENTS = 30
const MINUTES = 250
/** What a phone shows of them: so many pixels, and so many nodes. */
const MOST = { height: 3_000, nodes: 2_000 }
const two = (n) => String(n).padStart(2, '0')

/** Signed in by the programs' way, with thirty clients. */
async function agencyOf(world) {
  const iris = world.person('Iris Vale', 'iris@vale.test')
  const [, client] = world.clients
  const right = ({ status, body }, what) => {
    if (status >= 300) throw new Error(`${what}: ${status} ${JSON.stringify(body).slice(0, 200)}`)
    return body
  }
  right(await world.asAda('POST', `/api/team-members?organization=${client.id}`, { email: iris.email, full_name: iris.name, role: 'viewer', status: 'invited' }), 'the invitation')
  const [, token] = (await linkTo(world, iris.email, '/accept-invite#token=')).split('#token=')
  right(await world.desk.ask('POST', '/api/auth/accept-invite', { token, fullName: iris.name, password: iris.password }), 'accepting')
  await iris.window()
  await iris.signIn()
  await iris.page.waitForURL('**/o/**')
  for (let i = 1; i <= CLIENTS; i++) {
    right(await iris.ask('POST', '/api/organizations/create', { companyName: `Client ${two(i)}`, companySize: 'small', industry: 'services' }), `client ${i}`)
  }
  return iris
}

export async function manyClients(world) {
  const iris = world.iris = await agencyOf(world)
  const { page } = iris
  const rows = page.locator('main [data-row]')
  const many = (n) => page.waitForFunction((n) => document.querySelectorAll('main [data-row]').length === n, n)
  const first = (name) => rows.first().getByText(name, { exact: true }).waitFor()
  await iris.go('/agency')
  await many(CLIENTS)

  // Ordered and searched.
  const name = page.getByRole('columnheader', { name: t('agency.client') }).getByRole('button')
  await name.click()
  await page.waitForURL(/sort=name/)
  await first('Client 01')
  await name.click()
  await page.waitForURL(/sort=-name/)
  await first(`Client ${CLIENTS}`)
  await page.getByRole('searchbox', { name: t('agency.search') }).fill('17')
  await many(1)
  await first('Client 17')
  await page.getByRole('searchbox', { name: t('agency.search') }).fill('')
  await many(CLIENTS)

  // All at once: a limit, then a pause.
  const overview = async () => (await iris.ask('GET', '/api/agency')).body.organizations
  await page.getByRole('checkbox', { name: t('list.selectAll') }).check()
  await page.getByRole('button', { name: t('agency.limit') }).click()
  const dialog = page.getByRole('dialog', { name: t('agency.limit') })
  await dialog.locator('[name="minutes"]').fill(String(MINUTES))
  await dialog.getByRole('button', { name: t('agency.limitSet') }).click()
  await said(page, t('agency.done', { count: CLIENTS }))
  const limits = new Set((await overview()).map((one) => one.minutes_limit))
  if ([...limits].join() !== String(MINUTES)) throw new Error(`the limits are ${[...limits].join(', ')}`)
  await page.getByRole('checkbox', { name: t('list.selectOne', { name: 'Client 03' }) }).check()
  await page.getByRole('checkbox', { name: t('list.selectOne', { name: 'Client 04' }) }).check()
  await page.getByRole('button', { name: t('agency.pause'), exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: t('agency.pause'), exact: true }).click()
  await said(page, t('agency.done', { count: 2 }))
  const paused = (await overview()).filter((one) => one.paused).map((one) => one.name).sort()
  if (paused.join() !== 'Client 03,Client 04') throw new Error(`paused are ${paused.join(', ')}`)
  await iris.go('/agency?state=paused')
  await many(2)

  // One of thirty, by two digits and Enter.
  await page.getByRole('button', { name: t('shell.switch') }).click()
  await page.getByRole('searchbox', { name: t('shell.find') }).fill('23')
  const items = page.getByRole('menu').getByRole('menuitem')
  await items.filter({ hasText: 'Client 23' }).waitFor()
  const offered = (await items.allInnerTexts()).map((text) => text.split('\n').at(-1))
  if (offered.join('|') !== ['Client 23', t('shell.all'), t('shell.new')].join('|')) throw new Error(`the switcher offers ${offered.join(', ')}`)
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/o\/[a-z0-9]{15}\/home$/)
  await settled(page)
  await page.getByRole('button', { name: t('shell.switch') }).filter({ hasText: 'Client 23' }).waitFor()

  // On a phone.
  await page.setViewportSize({ width: 360, height: 740 })
  await iris.go('/agency')
  await many(CLIENTS)
  const { height, nodes } = await page.evaluate(() => ({ height: document.documentElement.scrollHeight, nodes: document.querySelectorAll('*').length }))
  if (height > MOST.height || nodes > MOST.nodes) throw new Error(`on a phone ${CLIENTS} clients take ${height} px and ${nodes} nodes, more than ${JSON.stringify(MOST)}`)
  return `${CLIENTS} clients in ${height} px and ${nodes} nodes`
}
