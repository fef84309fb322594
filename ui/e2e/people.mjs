// Who is here, who may do what, and what happened: people, organizations and security as persons meet them, with real mail,
// an authenticator app and an account elsewhere. The suite has a server of its own, which begins empty and without mail.
import fs from 'node:fs'
import path from 'node:path'
import { parallel, settled } from './browser.mjs'
import { startDesk } from './desk.mjs'
import { mailbox } from './mailbox.mjs'
import { openid } from './openid.mjs'
import { authenticator } from './totp.mjs'
import { Person, arrived, fill, look, said } from './person.mjs'
import { picture } from './picture.mjs'
import { t } from './words.mjs'

/** A lost right shows within this once the page hears of it. */
const GONE_MS = 1_000
const NEVER_MS = 30_000
// Windows that work at the same time; two cores are busy with three.
const ABREAST = 3

const AREAS = ['home', 'calls', 'assistants', 'numbers', 'functions', 'team', 'settings']
/** What each role finds in its menu, and pages that answer with a refusal when their address is typed. */
const ROLES = {
  owner: { sees: AREAS, refused: [] },
  admin: { sees: AREAS, refused: [] },
  manager: { sees: AREAS, refused: ['settings/audit-log'] },
  agent: { sees: ['home', 'calls', 'assistants', 'numbers'], refused: ['settings'] },
  viewer: { sees: ['home', 'calls', 'assistants', 'numbers'], refused: ['settings/keys'] },
  developer: { sees: ['home', 'assistants', 'numbers', 'functions'], refused: ['calls'] },
}

export async function people(browser, _, fail) {
  const steps = []
  const desk = await startDesk()
  const world = { browser, desk, mail: await mailbox(), elsewhere: await openid(), complain: (what) => fail(`people: ${what}`), late: fail.late, all: [], clients: [] }
  world.person = (...who) => {
    const one = new Person(world, ...who)
    world.all.push(one)
    return one
  }
  const step = async (name, work, page) => {
    const started = Date.now()
    try {
      const said = await work()
      steps.push(`${[name, said].filter(Boolean).join(': ')}`)
      if (process.env.E2E_TIMES) console.log(`  ${name}: ${Date.now() - started} ms`)
      return true
    } catch (error) {
      const at = typeof page === 'function' ? page() : page
      fail(`people, ${name}: ${error.message.split('\n').slice(0, 4).join(' ')} ${at ? `(${at.url()})` : ''}`)
      const out = path.join(import.meta.dirname, 'out')
      fs.mkdirSync(out, { recursive: true })
      await at?.screenshot({ path: path.join(out, `people-${name.replaceAll(/\W+/g, '-')}.png`), fullPage: true }).catch(() => undefined)
      return false
    }
  }
  try {
    await journey(world, step)
    for (const { subject, to, links } of world.mail.left()) if (links.some((link) => OPENS.test(link))) fail(`people: a mail nobody asked for: ${subject} to ${to.join(', ')}`)
    const pages = world.all.flatMap((one) => one.windows.filter((page) => !page.isClosed()))
    for (const page of pages) for (const what of await page.evaluate(() => window.__seen?.policy ?? [])) fail(`people: refused by the policy: ${what}`)
  } finally {
    await Promise.all(world.all.map((one) => one.close()))
    world.mail.close()
    world.elsewhere.close()
    await desk.stop()
  }
  return steps.join(' · ')
}

async function journey(world, step) {
  const ada = world.person('Ada North', 'ada@north.test')
  await ada.window()
  if (!await step('the first person sets up', () => setUp(ada), ada.page)) return
  const nora = world.person('Nora Bell', 'nora@bell.test')
  if (!await step('invited without mail', () => withoutMail(world, ada, nora), () => nora.page ?? ada.page)) return
  if (!await step('the operator turns mail on', () => mailOn(world))) return
  if (!await step('three clients', () => threeClients(world, ada), ada.page)) return

  const team = Object.fromEntries(Object.keys(ROLES).map((role) => [role, world.person(`${role[0].toUpperCase()}${role.slice(1)} Reed`, `${role}@reed.test`)]))
  const links = {}
  if (!await step('invited by mail', () => invite(world, ada, team, links), ada.page)) return
  await step('a wrong account is refused', () => wrongAccount(nora, team.agent, links.agent), nora.page)
  await parallel(Object.keys(ROLES), ABREAST, (role) => step(`${role} accepts and sees`, () => accept(world, role, team[role], links[role]), () => team[role].page))
  await step('an account that exists accepts', () => known(world, ada, nora), () => nora.page)

  // What follows are lives of their own.
  await parallel([
    () => step('a confirmed address', () => confirmAddress(world, nora), nora.page).then(() => step('a new address', () => newAddress(world, nora), nora.page)),
    () => step('an authenticator app', () => twoFactor(world, team.manager), team.manager.page),
    () => step('a code by mail', () => byMail(world, team.viewer), team.viewer.page).then(() => step('a forgotten password', () => forgotten(world, team.viewer), team.viewer.page)),
    () => step('sessions', () => sessions(team.developer), team.developer.page),
    () => step('pictures', () => pictures(ada, world.clients[0]), ada.page).then(() => step('a key for a program', () => apiKey(world, ada), ada.page)).then(() => step('the audit log', () => auditLog(world, ada), ada.page)),
    () => step('an account elsewhere', () => elsewhere(world, ada), () => world.grace?.page),
  ], ABREAST, (work) => work())

  await step('suspended', () => suspended(world, ada, team.agent), team.agent.page)
  await step('ownership', () => ownership(world, ada, nora), ada.page)
  await step('everybody needs a second factor', () => factorForAll(world, team.owner, team.admin), () => team.admin.page)
}

async function setUp(ada) {
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
async function withoutMail(world, ada, nora) {
  await ada.go(`/o/${ada.agency}/team`)
  const dialog = await inviteDialog(ada.page, nora.email, 'viewer')
  await dialog.getByText(t('team.invite.handOver'), { exact: false }).waitFor()
  await dialog.getByText(t('team.invite.noMail'), { exact: false }).waitFor()
  await look(ada.page, 'invited-no-mail')
  const link = await dialog.getByRole('textbox', { name: t('team.invite.linkFor', { email: nora.email }) }).inputValue()
  if (!link.startsWith(`${world.desk.base}/accept-invite/`)) throw new Error(`the link is ${link.slice(0, 60)}`)
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

async function mailOn({ desk, mail, elsewhere }) {
  await desk.operator('PATCH', '/api/settings', { smtp: { enabled: true, host: '127.0.0.1', port: mail.port, tls: false }, meta: { senderAddress: 'desk@north.test', senderName: 'North' } })
  await desk.operator('PATCH', '/api/collections/users', { oauth2: { enabled: true, providers: [elsewhere.config] } })
  const told = (await desk.ask('GET', '/api/desk')).body
  if (told.mail !== true) throw new Error('the desk does not tell that mail is on')
}

async function threeClients(world, ada) {
  const { page } = ada
  for (const name of ['Bright Dental', 'Lumen Law', 'Harbour Café']) {
    /* oxlint-disable no-await-in-loop -- the same person, one after the other */
    await ada.go('/new')
    await fill(page, { companyName: name, industry: 'services' })
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

async function invite(world, ada, team, links) {
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
    links[role] = await linkTo(world, one.email, '/accept-invite/', [client.name, ada.name])
  }
  return `${Object.keys(team).length} mails, the last after ${Date.now() - started} ms`
}

/** Mails that open something; others tell what happened, and nobody here waits for them. */
const OPENS = /\/(accept-invite|verify|confirm-email|reset)\//

/** The link to a page from the mail that brings it; the mail must lead to this server and say what it should. */
async function linkTo(world, address, page, says = []) {
  const mail = await world.mail.mail(address, (message) => message.links.some((link) => link.includes(page)))
  const links = mail.links.filter((link) => OPENS.test(link))
  if (links.length !== 1 || !links[0].startsWith(world.desk.base + page)) throw new Error(`the mail "${mail.subject}" leads to ${links.map((link) => link.slice(0, 60)).join(' and ')}`)
  for (const what of says) if (!mail.html.includes(what)) throw new Error(`the mail "${mail.subject}" does not say ${what}`)
  if (!mail.text.trim()) throw new Error(`the mail "${mail.subject}" has no plain text`)
  return links[0]
}

/** The code somebody was mailed. */
async function mailedCode(world, address) {
  return (await world.mail.mail(address, (message) => message.code && !message.links.some((link) => link.includes('/o/')))).code
}

/** Signed in as somebody else, an invitation is shown for whom it is, and cannot be taken. */
async function wrongAccount(nora, invited, link) {
  const { page } = nora
  await nora.go(link)
  await said(page, t('invite.other', { email: invited.email, mine: nora.email }))
  if (await page.getByRole('button', { name: t('invite.accept') }).count() > 0) throw new Error('there is a button to accept')
  await look(page, 'invite-other')
  const answer = await nora.ask('POST', '/api/auth/accept-invite', { token: link.split('/accept-invite/')[1] })
  if (answer.status !== 409 || !/another address/.test(answer.body.error)) throw new Error(`the route answers ${answer.status} ${JSON.stringify(answer.body)}`)
}

async function accept(world, role, one, link) {
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
  await page.getByRole('heading', { name: t('errors.missing.title') }).waitFor()

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

async function assistantOf(world) {
  world.assistant ??= world.desk.operator('GET', `/api/collections/assistants/records?filter=${encodeURIComponent(`organization='${world.clients[0].id}'`)}`).then((answer) => answer.items[0].id)
  return world.assistant
}

/** Who has an account signs in to accept, and comes back to the invitation. */
async function known(world, ada, nora) {
  const [, client] = world.clients
  await ada.go(`/o/${client.id}/team`)
  const dialog = await inviteDialog(ada.page, nora.email, 'manager')
  await dialog.getByText(t('team.invite.mailed')).waitFor()
  const link = await linkTo(world, nora.email, '/accept-invite/', [client.name])
  await nora.go('/me')
  await nora.signOut()
  await nora.go(link)
  await said(nora.page, t('invite.known', { email: nora.email }))
  await look(nora.page, 'accept-known')
  await nora.page.getByRole('link', { name: t('invite.signIn') }).click()
  await nora.page.waitForURL('**/login**')
  await settled(nora.page)
  await nora.signIn()
  await nora.page.waitForURL('**/accept-invite/**')
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

/** Nora came by a link that was handed over, so her address is not confirmed until she asks for a mail. */
async function confirmAddress(world, nora) {
  await nora.go('/me/security')
  await said(nora.page, t('profile.unverified'))
  await look(nora.page, 'security-unverified')
  await nora.page.getByRole('button', { name: t('profile.verify') }).click()
  await said(nora.page, t('profile.verifySent', { email: nora.email }))
  const link = await linkTo(world, nora.email, '/verify/')
  await nora.go(link)
  await look(nora.page, 'verify')
  await nora.page.getByRole('button', { name: t('auth.verify') }).click()
  await said(nora.page, t('auth.verifiedText'))
  await look(nora.page, 'verified')
  await nora.go('/me/security')
  if (await nora.page.getByText(t('profile.unverified')).count() > 0) throw new Error('the address is still said to be unconfirmed')
}

async function newAddress(world, nora) {
  const old = nora.email
  const second = await nora.window()
  await nora.signIn(second)
  await second.waitForURL('**/o/**')
  await nora.go('/me/security')
  await fill(nora.page, { newEmail: 'nora@new.test' })
  await nora.page.getByRole('button', { name: t('profile.changeAddress') }).click()
  await said(nora.page, t('profile.addressSent', { email: 'nora@new.test' }))
  const link = await linkTo(world, 'nora@new.test', '/confirm-email/')
  await nora.go(link)
  await fill(nora.page, { password: 'not the password' })
  await nora.page.getByRole('button', { name: t('auth.verify') }).click()
  await said(nora.page, t('errors.field.oldPassword'))
  await look(nora.page, 'confirm-address-wrong')
  await fill(nora.page, { password: nora.password })
  await nora.page.getByRole('button', { name: t('auth.verify') }).click()
  await said(nora.page, t('auth.addressChangedText', { email: 'nora@new.test' }))
  await look(nora.page, 'address-changed')
  nora.email = 'nora@new.test'
  await nora.go('/me', second)
  await second.waitForURL('**/login**')
  const refused = await world.desk.ask('POST', '/api/collections/users/auth-with-password', { identity: old, password: nora.password })
  if (refused.status !== 400) throw new Error(`the old address signs in: ${refused.status}`)
  await nora.signIn()
  await nora.page.waitForURL('**/o/**')
}

async function twoFactor(world, one) {
  const { page } = one
  await one.go('/me/security')
  await page.getByRole('button', { name: t('profile.factor.enable') }).click()
  const dialog = page.getByRole('dialog', { name: t('factor.setUp') })
  const app = authenticator(await dialog.getByLabel(t('factor.secret')).inputValue())
  await look(page, 'two-factor-enroll')
  await dialog.getByRole('textbox', { name: t('factor.code'), exact: true }).fill('000000')
  await dialog.getByRole('button', { name: t('factor.confirm') }).click()
  await dialog.getByRole('alert').waitFor()
  await dialog.getByRole('textbox', { name: t('factor.code'), exact: true }).fill(await app.next())
  await dialog.getByRole('button', { name: t('factor.confirm') }).click()
  const shown = page.getByRole('dialog', { name: t('profile.factor.codes') })
  await shown.waitFor()
  await look(page, 'recovery-codes')
  const codes = await shown.locator('code').allInnerTexts()
  if (new Set(codes).size !== 10) throw new Error(`${codes.length} recovery codes`)
  await shown.getByRole('button', { name: t('factor.kept') }).click()
  await page.getByText(t('profile.factor.on'), { exact: true }).waitFor()
  await look(page, 'security-two-factor')

  const second = async (give) => {
    await one.signOut()
    await one.signIn()
    await page.getByRole('heading', { name: t('factor.title') }).waitFor()
    await give(page.getByRole('textbox', { name: t('factor.code'), exact: true }))
    await page.getByRole('button', { name: t('auth.signIn'), exact: true }).click()
  }
  const used = app.last()
  await second((code) => code.fill(used))
  await said(page, t('factor.wrong')) // a code counts once
  await look(page, 'second-step')
  await page.getByRole('textbox', { name: t('factor.code'), exact: true }).fill(await app.next())
  await page.getByRole('button', { name: t('auth.signIn'), exact: true }).click()
  await page.waitForURL(/\/(o\/|me)/)
  await second((code) => code.fill(codes[0]))
  await page.waitForURL(/\/(o\/|me)/)
  await second((code) => code.fill(codes[0]))
  await page.getByRole('alert').waitFor() // and so does a recovery code
  await page.getByRole('button', { name: t('factor.mail') }).click()
  await said(page, t('factor.mailed'))
  await page.getByRole('textbox', { name: t('factor.code'), exact: true }).fill(await mailedCode(world, one.email))
  await page.getByRole('button', { name: t('auth.signIn'), exact: true }).click()
  await page.waitForURL(/\/(o\/|me)/)

  await one.go('/me/security')
  await page.getByRole('button', { name: t('profile.factor.newCodes') }).click()
  await page.getByRole('dialog').getByRole('textbox', { name: t('factor.code'), exact: true }).fill(codes[1])
  await page.getByRole('button', { name: t('profile.factor.makeCodes') }).click()
  const fresh = await shown.locator('code').allInnerTexts()
  if (fresh.some((one) => codes.includes(one))) throw new Error('new codes are old ones')
  await shown.getByRole('button', { name: t('factor.kept') }).click()
  await page.getByRole('button', { name: t('profile.factor.disable') }).click()
  const prove = page.getByRole('dialog', { name: t('profile.factor.disable') })
  await look(page, 'two-factor-off')
  await prove.getByRole('textbox', { name: t('factor.code'), exact: true }).fill(fresh[0])
  await prove.getByRole('button', { name: t('profile.factor.disable') }).click()
  await said(page, t('profile.factor.disabled'))
  await page.getByText(t('profile.factor.off'), { exact: true }).waitFor()
  return `app, recovery code, mail code, ${fresh.length} new codes, off`
}

async function byMail(world, one) {
  const { page } = one
  await one.signOut()
  await page.getByRole('button', { name: t('auth.byMail') }).click()
  const form = page.locator('form').nth(1)
  await form.getByLabel(t('auth.email')).fill(one.email)
  await look(page, 'login-by-mail')
  await form.getByRole('button', { name: t('auth.sendCode') }).click()
  await said(page, t('auth.codeSent', { email: one.email }))
  const code = await mailedCode(world, one.email)
  await said(page, t('factor.codeByMail'))
  await form.getByRole('textbox', { name: t('factor.code'), exact: true }).fill('00000000')
  await form.getByRole('button', { name: t('auth.signIn') }).click()
  await said(page, t('auth.wrongCode'))
  await look(page, 'login-code')
  await form.getByRole('textbox', { name: t('factor.code'), exact: true }).fill(code)
  await form.getByRole('button', { name: t('auth.signIn') }).click()
  await page.waitForURL('**/o/**')
}

async function forgotten(world, one) {
  const { page } = one
  const other = await one.window()
  await one.signIn(other)
  await arrived(other)
  await one.signOut()
  await page.getByRole('link', { name: t('auth.forgot') }).click()
  await page.waitForURL('**/forgot-password')
  await settled(page)
  await fill(page, { email: one.email })
  await look(page, 'forgot')
  await page.getByRole('button', { name: t('auth.sendLink') }).click()
  await said(page, t('auth.sent.text', { email: one.email }))
  await look(page, 'forgot-sent')
  const link = await linkTo(world, one.email, '/reset/')
  await one.go(link)
  await fill(page, { password: 'short' })
  await page.getByRole('button', { name: t('auth.savePassword') }).click()
  await page.locator('[name="password"][aria-invalid="true"]').waitFor()
  await look(page, 'reset')
  const old = one.password
  one.password = 'another long password'
  await fill(page, { password: one.password })
  await page.getByRole('button', { name: t('auth.savePassword') }).click()
  await said(page, t('auth.changed.text'))
  await one.go('/me', other)
  await other.waitForURL('**/login**')
  const refused = await world.desk.ask('POST', '/api/collections/users/auth-with-password', { identity: one.email, password: old })
  if (refused.status !== 400) throw new Error(`the old password signs in: ${refused.status}`)
  // The link worked once: the page says so and offers another.
  await one.go(link)
  await fill(page, { password: 'yet another password' })
  await page.getByRole('button', { name: t('auth.savePassword') }).click()
  await page.getByRole('link', { name: t('auth.newLink') }).waitFor()
  await look(page, 'reset-used')
  await one.go('/login')
  await one.signIn()
  await page.waitForURL('**/o/**')
}

async function sessions(one) {
  const { page } = one
  const [second, third] = [await one.window(), await one.window()]
  await one.signIn(second)
  await arrived(second)
  await one.signIn(third)
  await arrived(third)
  await one.go('/me/sessions')
  await page.getByText(t('profile.sessions.this')).waitFor()
  const ends = page.getByRole('button', { name: t('profile.sessions.end'), exact: false })
  await look(page, 'sessions')
  const before = await ends.count()
  if (before < 2) throw new Error(`${before} other sessions are listed`)
  await page.getByRole('button', { name: t('profile.sessions.others') }).click()
  const dialog = page.getByRole('dialog', { name: t('profile.sessions.othersTitle') })
  await look(page, 'sessions-ask')
  const started = Date.now()
  await dialog.getByRole('button', { name: t('profile.sessions.others') }).click()
  await said(page, t('profile.sessions.othersDone'))
  // A window that only stands there falls to sign-in by itself, and remembers where it was.
  await Promise.all([second, third].map((other) => other.waitForURL(/\/login\?next=/, { timeout: NEVER_MS })))
  return `the other windows fell to sign-in after ${Date.now() - started} ms`
}

async function pictures(ada, client) {
  const { page } = ada
  const shown = (size) => page.waitForFunction((px) => [...document.querySelectorAll('main img')].some((image) => image.complete && image.naturalWidth === px), size)
  await ada.go('/me')
  await page.locator('input[type="file"]').setInputFiles({ name: 'ada.png', mimeType: 'image/png', buffer: picture(300, 300, [12, 120, 110]) })
  await said(page, t('profile.saved'))
  await shown(100)
  await look(page, 'me-avatar')
  await ada.go(`/o/${client.id}/settings`)
  await page.locator('input[type="file"]').setInputFiles({ name: 'logo.png', mimeType: 'image/png', buffer: picture(400, 400, [200, 90, 30]) })
  await said(page, t('settings.saved'))
  await shown(100)
  await look(page, 'settings-logo')
  // Not a picture: refused by a sentence.
  await page.locator('input[type="file"]').setInputFiles({ name: 'logo.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') })
  const toast = page.getByRole('alert').first()
  await toast.getByText(t('picture.refused')).waitFor()
  await look(page, 'settings-logo-refused')
}

async function apiKey(world, ada) {
  const { page } = ada
  const [client] = world.clients
  await ada.go(`/o/${client.id}/settings/keys`)
  await page.getByRole('button', { name: t('settings.keys.new') }).first().click()
  const dialog = page.getByRole('dialog', { name: t('settings.keys.new') })
  await dialog.locator('[name="name"]').fill('Website')
  await look(page, 'key-new')
  await dialog.getByRole('button', { name: t('settings.keys.create') }).click()
  const made = page.getByRole('dialog', { name: t('settings.keys.made', { name: 'Website' }) })
  const key = await made.getByLabel(t('settings.keys.key'), { exact: true }).inputValue()
  await look(page, 'key-made')
  await made.getByRole('button', { name: t('settings.keys.kept') }).click()
  const program = (at) => world.desk.ask('GET', at, undefined, `Bearer ${key}`)
  const list = await program('/api/collections/assistants/records')
  if (list.status !== 200 || list.body.items.length !== 1 || list.body.items[0].organization !== client.id) throw new Error(`the key sees ${list.status} ${JSON.stringify(list.body).slice(0, 200)}`)
  const refused = await program(`/api/collections/organizations/records/${world.clients[1].id}`)
  if (refused.status !== 404) throw new Error(`the key sees another organization: ${refused.status}`)
  await ada.go(`/o/${client.id}/settings/keys`)
  await page.getByText('127.0.0.1').first().waitFor()
  if ((await page.content()).includes(key)) throw new Error('the key is on the page again')
  await look(page, 'keys')
  await page.getByRole('button', { name: t('settings.keys.revokeOne', { name: 'Website' }) }).click()
  await page.getByRole('dialog').getByRole('button', { name: t('settings.keys.revoke'), exact: true }).click()
  await said(page, t('settings.keys.revokeDone', { name: 'Website' }))
  const after = [await program('/api/collections/assistants/records'), await program('/api/organizations')]
  if (after[0].body.items.length > 0 || after[1].status !== 401 || after.some((one) => one.dead !== true)) throw new Error(`a revoked key is answered with ${JSON.stringify(after).slice(0, 200)}`)
}

async function auditLog(world, ada) {
  const { page } = ada
  const [client] = world.clients
  await ada.go(`/o/${client.id}/settings`)
  await fill(page, { industry: 'dentistry' })
  await page.getByRole('button', { name: t('actions.save') }).click()
  await said(page, t('settings.saved'))
  await ada.go(`/o/${client.id}/settings/audit-log`)
  await page.getByRole('table').waitFor()
  const many = await page.getByRole('row').count()
  await look(page, 'audit-log')
  await page.getByRole('combobox', { name: t('settings.audit.byResource') }).or(page.getByRole('textbox', { name: t('settings.audit.byResource') })).first().click()
  await page.getByRole('option', { name: t('settings.audit.resources.organizations'), exact: true }).click()
  await page.getByRole('combobox', { name: t('settings.audit.byWho') }).or(page.getByRole('textbox', { name: t('settings.audit.byWho') })).first().click()
  await page.getByRole('option', { name: ada.name, exact: true }).click()
  await page.waitForURL(/who=.*resource=|resource=.*who=/)
  const change = t('settings.audit.update', { what: t('settings.audit.one.organizations') })
  const row = page.getByRole('row', { name: change }).filter({ hasText: 'industry' })
  await row.first().waitFor()
  const few = await page.getByRole('row').count()
  if (few >= many) throw new Error(`the filters leave ${few} of ${many} rows`)
  if (await page.getByRole('row', { name: 'Admin Reed' }).count() > 0) throw new Error("the filter by person shows others' changes")
  await row.first().getByRole('button').click()
  const dialog = page.getByRole('dialog')
  const cells = await dialog.getByRole('row', { name: 'industry' }).getByRole('cell').allInnerTexts()
  await look(page, 'audit-entry')
  if (!cells.join('|').endsWith('services|dentistry')) throw new Error(`before and after read ${cells.join(' | ')}`)
  for (const fact of [ada.name, '127.0.0.1', 'Chrome']) await dialog.getByText(fact, { exact: false }).first().waitFor()
  await page.keyboard.press('Escape')
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: t('settings.audit.csv') }).click()])
  const csv = fs.readFileSync(await file.path(), 'utf8')
  if (!csv.includes('dentistry') || csv.includes('Admin Reed')) throw new Error('the CSV does not follow the filters')
  return `${few - 1} of ${many - 1} rows by person and kind`
}

/** A window of the provider, closed without an answer, refused, and used. */
async function elsewhere(world, ada) {
  const grace = world.grace = world.person('Grace Moon', 'grace@moon.test')
  world.elsewhere.knows(grace.email, grace.name)
  world.elsewhere.knows('stranger@moon.test', 'A Stranger')
  const page = await grace.window()
  await grace.go('/login')
  const button = page.getByRole('button', { name: t('auth.with', { name: 'Elsewhere' }) })
  await button.waitFor()
  await look(page, 'login-elsewhere')
  const popup = async () => {
    const [other] = await Promise.all([page.waitForEvent('popup'), button.click()])
    await other.getByRole('heading', { name: 'Who are you?' }).waitFor()
    return other
  }
  const gone = async (other) => { if (!other.isClosed()) await other.waitForEvent('close') }
  // Closed: the page can be used again.
  await (await popup()).close()
  await page.locator('button[data-loading]').waitFor({ state: 'detached' })
  // Refused there: said so here.
  let other = await popup()
  await other.getByRole('link', { name: 'Nobody' }).click()
  await said(page, t('auth.elsewhereRefused'))
  await look(page, 'login-elsewhere-refused')
  if (!other.isClosed()) await other.close()
  // Not invited: refused by a sentence.
  other = await popup()
  await other.getByRole('link', { name: 'stranger@moon.test' }).click()
  await page.getByRole('alert').filter({ hasText: /invitation/i }).waitFor()
  await gone(other)
  await look(page, 'login-not-invited')
  // Invited: an account, and with it the invitation.
  const [, , client] = world.clients
  const asked = await ada.ask('POST', `/api/team-members?organization=${client.id}`, { email: grace.email, full_name: grace.name, role: 'viewer', status: 'invited' })
  if (asked.status >= 300) throw new Error(`the invitation: ${asked.status} ${JSON.stringify(asked.body)}`)
  const link = await linkTo(world, grace.email, '/accept-invite/', [client.name])
  await grace.go('/login')
  other = await popup()
  await other.getByRole('link', { name: grace.email }).click()
  await page.waitForURL('**/me')
  await gone(other)
  await settled(page)
  await look(page, 'me-no-organization')
  await grace.go(link)
  await page.getByRole('button', { name: t('invite.accept') }).click()
  const org = await arrived(page)
  if (org !== client.id) throw new Error(`arrived at ${org}`)
  // The next time it is the same account.
  await grace.signOut()
  other = await popup()
  await other.getByRole('link', { name: grace.email }).click()
  await page.waitForURL('**/o/**')
  return 'closed, refused, not invited, invited, again'
}

/** Suspended in one window, gone from the other. */
async function suspended(world, ada, agent) {
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
  await page.getByRole('heading', { name: t('errors.missing.title') }).waitFor({ timeout: NEVER_MS })
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
async function ownership(world, ada, nora) {
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
  if (!/owner/i.test(refusal)) throw new Error(`the refusal reads ${refusal}`)
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
  await page.getByRole('heading', { name: t('errors.missing.title') }).waitFor()
  return JSON.stringify(refusal)
}

/** An organization that asks for a second factor keeps out who has none, says why, and leads to setting one up. */
async function factorForAll(world, owner, admin) {
  const [client] = world.clients
  await owner.go('/me/security')
  await owner.page.getByRole('button', { name: t('profile.factor.enable') }).click()
  const dialog = owner.page.getByRole('dialog', { name: t('factor.setUp') })
  const app = authenticator(await dialog.getByLabel(t('factor.secret')).inputValue())
  await dialog.getByRole('textbox', { name: t('factor.code'), exact: true }).fill(await app.next())
  await dialog.getByRole('button', { name: t('factor.confirm') }).click()
  await owner.page.getByRole('button', { name: t('factor.kept') }).click()
  await owner.go(`/o/${client.id}/settings/security`)
  await owner.page.getByRole('switch', { name: t('settings.security.twoFactor') }).click()
  await look(owner.page, 'settings-security')
  await owner.page.getByRole('button', { name: t('actions.save') }).click()
  await said(owner.page, t('settings.saved'))
  await admin.go(`/o/${client.id}/home`)
  await admin.page.getByRole('link', { name: t('profile.factor.go') }).waitFor()
  await look(admin.page, 'kept-out')
  await admin.page.getByRole('link', { name: t('profile.factor.go') }).click()
  await admin.page.waitForURL('**/me/security')
  await admin.signOut()
  await admin.signIn()
  await admin.page.getByRole('heading', { name: t('factor.setUp') }).waitFor()
  const theirs = authenticator(await admin.page.getByLabel(t('factor.secret')).inputValue())
  await look(admin.page, 'second-step-set-up')
  await admin.page.getByRole('textbox', { name: t('factor.code'), exact: true }).fill(await theirs.next())
  await admin.page.getByRole('button', { name: t('factor.confirm') }).click()
  await admin.page.getByRole('button', { name: t('factor.kept') }).click()
  await admin.page.waitForURL(/\/(o\/|me)/)
  await admin.go(`/o/${client.id}/home`)
  await admin.page.getByRole('navigation', { name: t('shell.menu') }).getByRole('link').first().waitFor()
}
