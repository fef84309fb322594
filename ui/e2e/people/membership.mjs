// Organizations and who belongs to them: invited, accepted, suspended, handed over, left.
import { settled, WAIT_MS } from '../browser.mjs'
import { arrived, choose, fill, look, said } from '../person.mjs'
import { authenticator } from '../totp.mjs'
import { t } from '../words.mjs'
import { linkTo } from './mails.mjs'

/** A lost right shows within this once the page hears of it. */
const GONE_MS = 1_000
/** After this it does not come at all. */
const NEVER_MS = WAIT_MS

const AREAS = ['home', 'calls', 'contacts', 'assistants', 'numbers', 'functions', 'team', 'settings']
/** What each role finds in its menu, and pages that answer with a refusal when their address is typed. */
export const ROLES = {
  owner: { sees: AREAS, refused: [] },
  admin: { sees: AREAS, refused: [] },
  manager: { sees: AREAS, refused: ['settings/audit-log'] },
  agent: { sees: ['home', 'calls', 'contacts', 'assistants', 'numbers', 'replies'], refused: ['settings'] },
  viewer: { sees: ['home', 'calls', 'contacts', 'assistants', 'numbers', 'replies'], refused: ['settings/keys'] },
  developer: { sees: ['home', 'assistants', 'numbers', 'functions', 'replies'], refused: ['calls'] },
}

export async function setUp(ada) {
  await ada.go('/')
  await ada.page.waitForURL('**/setup')
  await settled(ada.page)
  await fill(ada.page, { name: ada.name, organization: 'North Agency', email: ada.email, password: ada.password })
  await ada.page.locator('input[type="checkbox"]').first().uncheck()
  await look(ada.page, 'setup')
  await ada.page.getByRole('button', { name: t('setup.start') }).click()
  ada.agency = await arrived(ada.page)
}

/** Without mail the link is shown to who invites, with the reason, and works. */
export async function withoutMail(world, ada, nora) {
  await ada.go(`/o/${ada.agency}/team`)
  const dialog = await inviteDialog(ada.page, nora.email, 'viewer')
  await dialog.getByText(t('team.invite.handOver'), { exact: false }).waitFor()
  await dialog.getByText(t('team.invite.noMail'), { exact: false }).waitFor()
  await look(ada.page, 'invited-no-mail')
  const link = await dialog.getByRole('textbox', { name: t('team.invite.linkFor', { email: nora.email }) }).inputValue()
  if (!link.startsWith(`${world.desk.base}/accept-invite#token=`)) throw new Error(`the link is ${link.slice(0, 60)}`)
  const guest = await nora.window()
  await nora.go('/forgot-password')
  await said(guest, t('auth.noMail'))
  if (await guest.locator('form').count() > 0) throw new Error('a link can be asked for that nobody will send')
  await look(guest, 'forgot-no-mail')
  await nora.go(link)
  await fill(guest, { fullName: nora.name, password: nora.password })
  await look(guest, 'accept-new')
  await guest.getByRole('button', { name: t('invite.accept') }).click()
  await arrived(guest)
  await nora.go('/me/security')
  await said(guest, t('profile.addressNoMail'))
}

export async function mailOn({ desk, mail, elsewhere }) {
  await desk.operator('PATCH', '/api/settings', { smtp: { enabled: true, host: '127.0.0.1', port: mail.port, tls: false }, meta: { senderAddress: 'desk@north.test', senderName: 'North' } })
  await desk.operator('PATCH', '/api/collections/users', { oauth2: { enabled: true, providers: [elsewhere.config] } })
  const told = (await desk.ask('GET', '/api/desk')).body
  if (told.mail !== true) throw new Error('the desk does not tell that mail is on')
}

export async function threeClients(world, ada) {
  const { page } = ada
  for (const name of ['Bright Dental', 'Lumen Law', 'Harbour Café']) {
    /* oxlint-disable no-await-in-loop -- the same person, one after the other */
    await ada.go('/new')
    await fill(page, { companyName: name })
    await choose(page, t('settings.details.industry'), t('trades.law'))
    if (world.clients.length === 0) await look(page, 'new-client')
    await page.getByRole('button', { name: t('agency.new.next') }).click()
    await page.getByText(t('agency.new.place')).waitFor()
    await page.getByRole('button', { name: t('agency.new.next') }).click()
    await page.getByText(t('agency.new.withAssistant')).waitFor()
    if (world.clients.length === 0) await fill(page, { assistantName: 'Mia' })
    else await page.getByRole('switch').click()
    await page.getByRole('button', { name: t('agency.new.create') }).click()
    await page.getByRole('heading', { name: t('agency.new.made', { name }) }).waitFor()
    if (world.clients.length === 0) await look(page, 'client-made')
    world.clients.push({ name, id: /\/o\/([a-z0-9]{15})/.exec(await page.getByRole('link', { name: t('agency.new.open') }).getAttribute('href'))[1] })
    /* oxlint-enable no-await-in-loop */
  }
  await ada.go('/agency')
  for (const { name } of world.clients) await page.getByRole('link', { name }).first().waitFor()
  await look(page, 'agency')
}

/** Invites one address as a role and returns the dialog with what became of it. */
async function inviteDialog(page, email, role) {
  await page.getByRole('button', { name: t('team.invite.action'), exact: true }).first().click()
  let dialog = page.getByRole('dialog', { name: t('team.invite.title') })
  await dialog.locator('[name="emails"]').fill(email)
  const choice = dialog.getByRole('combobox', { name: t('team.role') }).or(dialog.getByRole('textbox', { name: t('team.role') })).first()
  await choice.click()
  await page.getByRole('option', { name: t(`roles.${role}`), exact: true }).click()
  if (role === 'manager') await look(page, 'invite')
  await dialog.getByRole('button', { name: t('team.invite.send') }).click()
  dialog = page.getByRole('dialog', { name: t('team.invite.done') })
  await dialog.getByText(email).first().waitFor()
  return dialog
}

export async function invite(world, ada, team, links) {
  const [client] = world.clients
  await ada.go(`/o/${client.id}/team`)
  for (const [role, one] of Object.entries(team)) {
    /* oxlint-disable no-await-in-loop -- one dialog after the other */
    const dialog = await inviteDialog(ada.page, one.email, role)
    await dialog.getByText(t('team.invite.mailed')).waitFor()
    if (role === 'owner') await look(ada.page, 'invited')
    await dialog.locator('[data-autofocus]').click()
    await dialog.waitFor({ state: 'hidden' })
    /* oxlint-enable no-await-in-loop */
  }
  await ada.page.getByText(t('team.states.invited')).first().waitFor()
  await look(ada.page, 'team')
  const started = Date.now()
  for (const [role, one] of Object.entries(team)) {
    // oxlint-disable-next-line no-await-in-loop -- they come in any order, and are kept
    links[role] = await linkTo(world, one.email, '/accept-invite#token=', [client.name, ada.name])
  }
  return `${Object.keys(team).length} mails, the last after ${Date.now() - started} ms`
}

/** Sent again, only the new link works; cancelled, none does. */
export async function renewed(world, ada, team, links) {
  const { page } = ada
  const old = links.agent
  const choose = async (address, action) => {
    await page.getByRole('row', { name: address }).getByRole('button').last().click()
    await page.getByRole('menuitem', { name: action }).click()
  }
  const works = async (link) => (await world.desk.ask('POST', '/api/auth/verify-invite', { token: link.split('/accept-invite#token=')[1] })).status === 200
  await choose(team.agent.email, t('team.resend'))
  const again = page.getByRole('dialog', { name: t('team.invite.resent') })
  await again.getByText(t('team.invite.mailed')).waitFor()
  links.agent = await linkTo(world, team.agent.email, '/accept-invite#token=')
  await page.keyboard.press('Escape')
  await again.waitFor({ state: 'hidden' })
  const dialog = await inviteDialog(page, 'nobody@reed.test', 'viewer')
  await dialog.locator('[data-autofocus]').click()
  await dialog.waitFor({ state: 'hidden' })
  const cancelled = await linkTo(world, 'nobody@reed.test', '/accept-invite#token=')
  await choose('nobody@reed.test', t('team.cancel.action'))
  await page.getByRole('dialog').getByRole('button', { name: t('team.cancel.action') }).click()
  await page.getByRole('row', { name: 'nobody@reed.test' }).waitFor({ state: 'detached' })
  const [one, two, three] = [await works(old), await works(links.agent), await works(cancelled)]
  if (one || !two || three) throw new Error(`the replaced link works: ${one}, the new one: ${two}, the cancelled one: ${three}`)
}

/** Signed in as somebody else, an invitation is shown for whom it is, and cannot be taken. */
export async function wrongAccount(nora, invited, link) {
  const { page } = nora
  await nora.go(link)
  await said(page, t('invite.other', { email: invited.email, mine: nora.email }))
  if (await page.getByRole('button', { name: t('invite.accept') }).count() > 0) throw new Error('there is a button to accept')
  await look(page, 'invite-other')
  const answer = await nora.ask('POST', '/api/auth/accept-invite', { token: link.split('/accept-invite#token=')[1] })
  if (answer.status !== 409 || !/another address/.test(answer.body.error)) throw new Error(`the route answers ${answer.status} ${JSON.stringify(answer.body)}`)
}

export async function accept(world, role, one, link) {
  const [client, other] = world.clients
  const page = await one.window()
  await one.go(link)
  await page.getByRole('heading', { name: t('invite.join', { organization: client.name }) }).waitFor()
  await fill(page, { fullName: one.name, password: one.password })
  await page.getByRole('button', { name: t('invite.accept') }).click()
  const org = await arrived(page)
  if (org !== client.id) throw new Error(`arrived at ${org}`)

  // The menu holds what the role may use, and nothing else.
  const menu = page.getByRole('navigation', { name: t('shell.menu') })
  const found = await menu.getByRole('link').evaluateAll((all) => all.map((a) => a.getAttribute('href').split('/').pop()))
  const { sees, refused } = ROLES[role]
  if (found.join() !== sees.join()) throw new Error(`the menu holds ${found.join(', ')}`)
  await look(page, `home-${role}`)
  for (const at of refused) {
    /* oxlint-disable no-await-in-loop -- one address after the other */
    await one.go(`/o/${client.id}/${at}`)
    await page.getByRole('heading', { name: t('errors.forbidden.title') }).waitFor()
    await said(page, t('errors.forbidden.cause'))
    /* oxlint-enable no-await-in-loop */
  }
  if (role === 'agent') await look(page, 'refused')
  await one.go(`/o/${other.id}/home`)
  await page.getByRole('heading', { name: t('errors.organization.title') }).waitFor()

  // The surfaces behind the screens agree.
  const leads = role === 'owner' || role === 'admin'
  const want = async (what, statuses, method, at, body) => {
    const answer = await one.ask(method, at, body)
    if (!statuses.includes(answer.status)) throw new Error(`${what}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 150)}`)
    if (answer.status >= 400 && !/[a-z]{3,} [a-z]/i.test(answer.body.message ?? answer.body.error ?? '')) throw new Error(`${what} is refused without a sentence: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const organization = `/api/collections/organizations/records/`
  await want('change the organization', leads ? [200] : [403, 404], 'PATCH', organization + client.id, { description: `${role} was here` })
  await want("see another's organization", [404], 'GET', organization + other.id)
  await want('security settings', leads ? [200] : [403], 'GET', `/api/security/settings?organization=${client.id}`)
  await want('invite', leads ? [200, 201] : [403], 'POST', `/api/team-members?organization=${client.id}`, { email: '', role: 'viewer' }).catch((error) => { if (!leads || !/ 400 /.test(error.message)) throw error })
  const log = await want('audit log', [200], 'GET', `/api/collections/audit_logs/records?perPage=1&organization=${client.id}`)
  if ((log.items.length > 0) !== leads) throw new Error(`the audit log holds ${log.items.length} rows`)
  await want('change an assistant', ['owner', 'admin', 'manager'].includes(role) ? [200] : [403, 404], 'PATCH', `/api/collections/assistants/records/${await assistantOf(world)}`, { name: 'Mia' })
}

export async function assistantOf(world) {
  world.assistant ??= world.desk.operator('GET', `/api/collections/assistants/records?filter=${encodeURIComponent(`organization='${world.clients[0].id}'`)}`).then((answer) => answer.items[0].id)
  return world.assistant
}

/** Who has an account signs in to accept, and comes back to the invitation. */
export async function known(world, ada, nora) {
  const [, client] = world.clients
  await ada.go(`/o/${client.id}/team`)
  const dialog = await inviteDialog(ada.page, nora.email, 'manager')
  await dialog.getByText(t('team.invite.mailed')).waitFor()
  const link = await linkTo(world, nora.email, '/accept-invite#token=', [client.name])
  await nora.go('/me')
  await nora.signOut()
  await nora.go(link)
  await said(nora.page, t('invite.known', { email: nora.email }))
  await look(nora.page, 'accept-known')
  await nora.page.getByRole('link', { name: t('invite.signIn') }).click()
  await nora.page.waitForURL('**/login**')
  await settled(nora.page)
  await nora.signIn()
  await nora.page.waitForURL('**/accept-invite#token=**')
  await said(nora.page, t('invite.asYou', { email: nora.email }))
  await look(nora.page, 'accept-join')
  await nora.page.getByRole('button', { name: t('invite.accept') }).click()
  const org = await arrived(nora.page)
  if (org !== client.id) throw new Error(`arrived at ${org}`)
  // The link worked once.
  await nora.go(link)
  await nora.page.getByRole('heading', { name: t('invite.gone') }).waitFor()
  await look(nora.page, 'invite-gone')
}

/** Suspended in one window, gone from the other. */
export async function suspended(world, ada, agent) {
  const [client] = world.clients
  const { page } = agent
  const connected = page.waitForResponse((r) => r.url().includes('/api/realtime') && r.request().method() === 'POST')
  await agent.go(`/o/${client.id}/calls`)
  await connected
  await ada.go(`/o/${client.id}/team`)
  const row = ada.page.getByRole('row', { name: agent.email })
  const choose = async (action) => {
    await row.getByRole('button', { name: t('team.actionsOf', { name: agent.name }) }).click()
    await ada.page.getByRole('menuitem', { name: action }).click()
  }
  await choose(t('team.suspend.action'))
  const dialog = ada.page.getByRole('dialog', { name: t('team.suspend.title', { name: agent.name }) })
  await look(ada.page, 'suspend')
  const answered = ada.page.waitForResponse((r) => r.url().includes('/suspend')).then(() => Date.now())
  await dialog.getByRole('button', { name: t('team.suspend.action') }).click()
  await page.getByRole('heading', { name: t('team.paused.title') }).waitFor({ timeout: NEVER_MS })
  const took = Date.now() - await answered
  await look(page, 'suspended')
  if (took > GONE_MS) world.late(`people: a suspended member's page closed after ${took} ms of ${GONE_MS}`)
  const answer = await agent.ask('GET', `/api/collections/organizations/records/${client.id}`)
  if (answer.status !== 404) throw new Error(`the server still answers ${answer.status}`)
  await row.getByText(t('team.states.suspended')).waitFor()
  await choose(t('team.activate'))
  await said(ada.page, t('team.activated', { name: agent.name }))
  await agent.go(`/o/${client.id}/home`)
  await page.getByRole('navigation', { name: t('shell.menu') }).getByRole('link').first().waitFor()
  return `the other window closed after ${took} ms`
}

/** The last owner stays; ownership can be handed over; then leaving works. */
export async function ownership(world, ada, nora) {
  const [, client] = world.clients
  const { page } = ada
  await ada.go('/me/organizations')
  await look(page, 'me-organizations')
  const leave = async () => {
    await page.getByRole('button', { name: t('profile.organizations.leaveOne', { name: client.name }) }).click()
    await page.getByRole('dialog').getByRole('button', { name: t('team.leave.action') }).click()
  }
  await leave()
  const toast = page.getByRole('alert').first()
  await toast.waitFor()
  const refusal = (await toast.innerText()).replaceAll('\n', ' ')
  if (!/owner|propriétaire/i.test(refusal)) throw new Error(`the refusal reads ${refusal}`)
  await look(page, 'last-owner')
  await ada.go(`/o/${client.id}/team`)
  await page.getByRole('row', { name: nora.email }).getByRole('button', { name: t('team.actionsOf', { name: nora.name }) }).click()
  await page.getByRole('menuitem', { name: t('team.transfer.action') }).click()
  await page.getByRole('dialog', { name: t('team.transfer.title', { name: nora.name }) }).getByRole('button', { name: t('team.transfer.action') }).click()
  await said(page, t('team.transfer.done', { name: nora.name }))
  await page.getByRole('row', { name: nora.email }).getByText(t('roles.owner'), { exact: true }).waitFor()
  await page.getByRole('row', { name: ada.email }).getByText(t('roles.admin'), { exact: true }).waitFor()
  await ada.go('/me/organizations')
  await leave()
  await said(page, t('team.leave.done', { organization: client.name }))
  await ada.go(`/o/${client.id}/home`)
  await page.getByRole('heading', { name: t('errors.organization.title') }).waitFor()
  return JSON.stringify(refusal)
}

/** An organization that asks for a second factor keeps out who has none, says why, and leads to setting one up. */
export async function factorForAll(world, owner, admin) {
  const [client] = world.clients
  await owner.go('/me/security')
  await owner.page.getByRole('button', { name: t('profile.factor.enable') }).click()
  const dialog = owner.page.getByRole('dialog', { name: t('factor.setUp') })
  const app = authenticator((await dialog.getByLabel(t('factor.secret')).inputValue()).replaceAll(' ', ''))
  await dialog.getByRole('textbox', { name: t('factor.code'), exact: true }).fill(await app.next())
  await dialog.getByRole('button', { name: t('factor.confirm') }).click()
  await owner.page.getByRole('button', { name: t('factor.kept') }).click()
  await owner.go(`/o/${client.id}/settings/security`)
  await owner.page.getByRole('switch', { name: t('settings.security.twoFactor') }).click()
  await look(owner.page, 'settings-security')
  await owner.page.getByRole('button', { name: t('actions.save') }).click()
  await said(owner.page, t('settings.saved'))
  await admin.go(`/o/${client.id}/home`)
  await admin.page.getByRole('link', { name: t('factor.setUp') }).waitFor()
  await look(admin.page, 'kept-out')
  await admin.page.getByRole('link', { name: t('factor.setUp') }).click()
  await admin.page.waitForURL('**/me/security')
  await admin.signOut()
  await admin.signIn()
  await admin.page.getByRole('heading', { name: t('factor.setUp') }).waitFor()
  const theirs = authenticator((await admin.page.getByLabel(t('factor.secret')).inputValue()).replaceAll(' ', ''))
  await look(admin.page, 'second-step-set-up')
  await admin.page.getByRole('textbox', { name: t('factor.code'), exact: true }).fill(await theirs.next())
  await admin.page.getByRole('button', { name: t('factor.confirm') }).click()
  await admin.page.getByRole('button', { name: t('factor.kept') }).click()
  await admin.page.waitForURL(/\/(o\/|me)/)
  await admin.go(`/o/${client.id}/home`)
  await admin.page.getByRole('navigation', { name: t('shell.menu') }).getByRole('link').first().waitFor()
}
