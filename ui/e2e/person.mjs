// Somebody in a journey: an address, a password, and as many windows as they open.
import fs from 'node:fs'
import path from 'node:path'
import { profile, settled } from './browser.mjs'
import { language, t } from './words.mjs'

// E2E_SHOTS=<folder> keeps pictures of the screens a journey passes: wide and narrow, light and dark.
const shots = process.env.E2E_SHOTS
const LOOKS = [[1280, 900, 'light'], [360, 740, 'light'], [1280, 900, 'dark'], [360, 740, 'dark']]

export class Person {
  windows = []

  constructor({ browser, desk, complain }, name, email, password = `a long password of ${name}`) {
    Object.assign(this, { browser, desk, complain, name, email, password })
  }

  /** Another browser of theirs, signed out; the first one is `page`. */
  async window(options = {}) {
    // A person of a test has no patience for what moves: each press would wait until it stands still.
    const context = await profile(this.browser, { language, still: true, ...options })
    const page = await context.newPage()
    page.on('pageerror', (error) => this.complain(`${this.name}: exception: ${error.message}`))
    // An answer that refuses is not a fault here: half of the journey is about refusals.
    page.on('console', (m) => { if (m.type() === 'error' && !/Failed to load resource/.test(m.text())) this.complain(`${this.name}: console: ${m.text().slice(0, 300)}`) })
    this.windows.push(page)
    this.page ??= page
    return page
  }

  async go(to, page = this.page) {
    await page.goto(to.startsWith('http') ? to : this.desk.base + to)
    await settled(page)
  }

  /** Signs in with the password, as far as that leads. */
  async signIn(page = this.page, password = this.password) {
    if (!new URL(page.url()).pathname.startsWith('/login')) await this.go('/login', page)
    await fill(page, { email: this.email, password })
    await page.getByRole('button', { name: t('auth.signIn'), exact: true }).click()
  }

  async signOut(page = this.page) {
    await page.getByRole('button', { name: t('shell.profileOf', { name: this.name }) }).click()
    await page.getByRole('menuitem', { name: t('auth.signOut') }).click()
    await page.waitForURL('**/login**')
  }

  /** The token of a window: what a program of theirs would send. */
  token(page = this.page) {
    return page.evaluate(() => JSON.parse(localStorage.getItem('pocketline.session')).token)
  }

  /** Asks the server as this person. */
  async ask(method, at, body) {
    return this.desk.ask(method, at, body, await this.token())
  }

  async close() {
    await Promise.all(this.windows.map((page) => page.context().close()))
  }
}

/** Types into fields by their names in the form. */
export async function fill(page, values) {
  for (const [name, value] of Object.entries(values)) {
    // oxlint-disable-next-line no-await-in-loop -- a person types one after the other
    await page.locator(`[name="${name}"]`).fill(value)
  }
}

/** Chooses from a list by its label. */
export async function choose(page, label, option) {
  await page.getByRole('combobox', { name: label }).or(page.getByRole('textbox', { name: label })).first().click()
  await page.getByRole('option', { name: option, exact: true }).click()
}

/** Waits until a window shows an area of an organization, and returns the organization. */
export async function arrived(page, area = 'home') {
  await page.waitForURL(new RegExp(`/o/[a-z0-9]{15}/${area}$`))
  await settled(page)
  return new URL(page.url()).pathname.split('/')[2]
}

/** What a toast or an alert says, once one says it. */
export const said = (page, text) => page.getByText(text, { exact: false }).first().waitFor()

/** Keeps pictures of what is on screen when somebody wants to look. */
export async function look(page, name) {
  if (!shots) return
  fs.mkdirSync(shots, { recursive: true })
  const before = page.viewportSize()
  const scheme = await page.evaluate(() => document.documentElement.getAttribute('data-mantine-color-scheme'))
  for (const [width, height, theme] of LOOKS) {
    /* oxlint-disable no-await-in-loop -- one page, one look after the other */
    await page.setViewportSize({ width, height })
    await page.evaluate((s) => document.documentElement.setAttribute('data-mantine-color-scheme', s), theme)
    await page.waitForTimeout(350) // transitions
    await page.screenshot({ path: path.join(shots, `${name}-${width}-${theme}-${language}.png`), fullPage: true })
    /* oxlint-enable no-await-in-loop */
  }
  await page.setViewportSize(before)
  await page.evaluate((s) => document.documentElement.setAttribute('data-mantine-color-scheme', s), scheme)
}
