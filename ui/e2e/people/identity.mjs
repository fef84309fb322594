// How a person signs in, and what they do about it: addresses, passwords, second factors, sessions, accounts elsewhere.
import { settled, WAIT_MS } from '../browser.mjs'
import { arrived, fill, look, said } from '../person.mjs'
import { authenticator } from '../totp.mjs'
import { t } from '../words.mjs'
import { linkTo, mailedCode } from './mails.mjs'

/** After this it does not come at all. */
const NEVER_MS = WAIT_MS

/** Nora came by a link that was handed over, so her address is not confirmed until she asks for a mail. */
export async function confirmAddress(world, nora) {
  await nora.go('/me/security')
  await said(nora.page, t('profile.unverified'))
  await look(nora.page, 'security-unverified')
  await nora.page.getByRole('button', { name: t('profile.verify') }).click()
  await said(nora.page, t('profile.verifySent', { email: nora.email }))
  const link = await linkTo(world, nora.email, '/verify#token=')
  await nora.go(link)
  await look(nora.page, 'verify')
  await nora.page.getByRole('button', { name: t('auth.verify') }).click()
  await said(nora.page, t('auth.verifiedText'))
  await look(nora.page, 'verified')
  await nora.go('/me/security')
  if (await nora.page.getByText(t('profile.unverified')).count() > 0) throw new Error('the address is still said to be unconfirmed')
}

export async function newAddress(world, nora) {
  const old = nora.email
  const second = await nora.window()
  await nora.signIn(second)
  await second.waitForURL('**/o/**')
  await nora.go('/me/security')
  await fill(nora.page, { newEmail: 'nora@new.test' })
  await nora.page.getByRole('button', { name: t('profile.changeAddress') }).click()
  await said(nora.page, t('profile.addressSent', { email: 'nora@new.test' }))
  const link = await linkTo(world, 'nora@new.test', '/confirm-email#token=')
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

export async function twoFactor(world, one) {
  const { page } = one
  await one.go('/me/security')
  await page.getByRole('button', { name: t('profile.factor.enable') }).click()
  const dialog = page.getByRole('dialog', { name: t('factor.setUp') })
  const app = authenticator((await dialog.getByLabel(t('factor.secret')).inputValue()).replaceAll(' ', ''))
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
  await shown.waitFor()
  const fresh = await shown.locator('code').allInnerTexts()
  if (fresh.length !== 10 || fresh.some((one) => codes.includes(one))) throw new Error('new codes are old ones')
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

export async function byMail(world, one) {
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

export async function forgotten(world, one) {
  const { page } = one
  const other = await one.window()
  await one.signIn(other)
  await arrived(other)
  await one.signOut()
  await page.getByRole('link', { name: t('auth.forgot') }).click()
  await page.getByRole('heading', { name: t('auth.forgotTitle') }).waitFor() // the address changes before the page does
  await settled(page)
  await fill(page, { email: one.email })
  await look(page, 'forgot')
  await page.getByRole('button', { name: t('auth.sendLink') }).click()
  await said(page, t('auth.sent.text', { email: one.email }))
  await look(page, 'forgot-sent')
  const link = await linkTo(world, one.email, '/reset#token=')
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
  // The link worked once: the page says so and offers another. Only the fragment would change: that loads nothing.
  await one.go('/login')
  await one.go(link)
  await page.getByRole('link', { name: t('auth.newLink') }).waitFor()
  await look(page, 'reset-used')
  await one.go('/login')
  await one.signIn()
  await page.waitForURL('**/o/**')
}

export async function sessions(one) {
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
  const took = Date.now() - started

  // A new password ends every session, and this window has a new one at once: nobody is sent to sign-in.
  await one.go('/me/security')
  const old = one.password
  one.password = 'a password after the other'
  await fill(page, { oldPassword: old, password: one.password })
  await page.getByRole('button', { name: t('profile.changePassword') }).click()
  await said(page, t('profile.passwordSaved'))
  await one.go('/me/sessions')
  await page.getByText(t('profile.sessions.this')).waitFor()
  if (await ends.count() > 0) throw new Error('other sessions outlived the password')
  await one.signOut()
  await one.signIn(page, old)
  await said(page, t('auth.wrong.cause'))
  await one.signIn()
  await page.waitForURL('**/me/sessions') // back to where it was
  return `the other windows fell to sign-in after ${took} ms`
}

/** A window of the provider, closed without an answer, refused, and used. */
export async function elsewhere(world, ada) {
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
  const link = await linkTo(world, grace.email, '/accept-invite#token=', [client.name])
  await grace.go('/login')
  other = await popup()
  await other.getByRole('link', { name: grace.email }).click()
  await page.waitForURL('**/new')
  await gone(other)
  await settled(page)
  await page.getByRole('heading', { name: t('agency.new.title') }).waitFor() // in the language of the browser
  await look(page, 'new-no-organization')
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
