// B7: what people do every day, with the keyboard alone. The mouse is never used, and nothing is focused but by keys.
import fs from 'node:fs'
import path from 'node:path'
import { base, profile, settled, WAIT_MS } from './browser.mjs'
import { language, t } from './words.mjs'

/** More presses of Tab than any page has places to stop. */
const STOPS = 200
const NAME = 'Typed by hand'
const GUEST = 'keys@keyboard.test'

export async function keyboard(browser, who, fail) {
  const context = await profile(browser, { language, still: true })
  const page = await context.newPage()
  const done = []
  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key) }
  const step = async (name, work) => {
    await work()
    done.push(name)
  }
  try {
    await step('signed in', async () => {
      await page.goto(`${base}/login`)
      await settled(page)
      await reach(page, page.getByLabel(t('auth.email')).first())
      await page.keyboard.type(process.env.E2E_EMAIL)
      await reach(page, page.locator('input[type="password"]').first())
      await page.keyboard.type(process.env.E2E_PASSWORD)
      await press('Enter')
      await page.waitForURL(`**/o/${who.org}/home`)
      await settled(page)
    })
    await step('an assistant made', async () => {
      await sequence(page, 'ga', t('nav.assistants'))
      await press('n')
      await page.waitForURL('**/assistants/new')
      await settled(page)
      await reach(page, page.locator('main [name="name"]'))
      await page.keyboard.type(NAME)
      await press('Enter')
      await page.waitForURL(/\/assistants\/[a-z0-9]{15}/)
      await heading(page, NAME)
    })
    await step('a call found and heard', async () => {
      const [call] = await who.list('calls', `organization='${who.org}' && has_recording=true && summary!=''`)
      const words = call.summary.split(' ').slice(0, 2).join(' ')
      await sequence(page, 'gc', t('nav.calls'))
      await press('/')
      const search = page.getByRole('searchbox')
      await page.waitForFunction((field) => field === document.activeElement, await search.elementHandle())
      await page.keyboard.type(words)
      await page.waitForURL(/search=/)
      await settled(page)
      const link = page.locator(`main a[data-primary][href$="/calls/${call.id}"]`)
      await link.waitFor()
      await reach(page, link)
      await press('Enter')
      await page.waitForURL(`**/calls/${call.id}`)
      await settled(page)
      const player = page.getByRole('region', { name: t('player.label') })
      await player.getByRole('button', { name: t('player.play') }).waitFor()
      await press('Space')
      await player.getByRole('button', { name: t('player.pause') }).waitFor()
      await press('Space')
      await player.getByRole('button', { name: t('player.play') }).waitFor()
    })
    await step('somebody invited', async () => {
      await press('Control+k')
      const palette = page.getByRole('textbox', { name: t('palette.placeholder') })
      await palette.waitFor()
      await page.keyboard.type(t('team.invite.title'))
      await page.getByRole('dialog').getByRole('button').first().filter({ hasText: t('team.invite.title') }).waitFor()
      await press('Enter')
      const dialog = page.getByRole('dialog', { name: t('team.invite.title') })
      await reach(page, dialog.locator('[name="emails"]'))
      await page.keyboard.type(GUEST)
      await reach(page, dialog.getByRole('button', { name: t('team.invite.send') }))
      await press('Enter')
      await page.getByRole('dialog', { name: t('team.invite.done') }).getByText(GUEST).first().waitFor()
      await press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    })
  } catch (error) {
    fail(`keyboard, after ${done.at(-1) ?? 'nothing'}: ${error.message.split('\n').slice(0, 3).join(' ')} (${page.url()})`)
    const out = path.join(import.meta.dirname, 'out')
    fs.mkdirSync(out, { recursive: true })
    await page.screenshot({ path: path.join(out, 'keyboard.png') }).catch(() => undefined)
  } finally {
    await context.close()
  }
  return done.join(' · ')
}

const focused = (locator) => locator.evaluate((element) => element === document.activeElement)

/** Goes on by Tab until something has the focus, as a person does who cannot point. */
async function reach(page, locator) {
  await locator.waitFor()
  for (let i = 0; i < STOPS; i++) {
    if (await focused(locator)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`${STOPS} presses of Tab do not lead to ${locator}`)
}

/** Two keys that lead to a page. Where the second comes too late, as on a machine that is busy, they are pressed again. */
async function sequence(page, keys, text) {
  for (let tries = 4; ; tries--) {
    for (const key of keys) await page.keyboard.press(key)
    try {
      await page.getByRole('heading', { level: 1, name: text }).waitFor({ timeout: WAIT_MS / 4 })
      return await settled(page)
    } catch (error) {
      if (tries <= 1) throw error
    }
  }
}

async function heading(page, text) {
  await page.getByRole('heading', { level: 1, name: text }).waitFor()
  await settled(page)
}
