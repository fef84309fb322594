// The stopwatch: from a server on which nobody has an account, without a demonstration, to a phone that is answered and the
// first call. Counted as a person does it: pages seen, answers typed, presses.
import fs from 'node:fs'
import path from 'node:path'
import { profile, settled } from './browser.mjs'
import { startDesk } from './desk.mjs'
import { look } from './person.mjs'
import { language, t } from './words.mjs'

const MOST = { screens: 5, typed: 6, presses: 9 }

export async function first(browser, _, fail) {
  const desk = await startDesk()
  const context = await profile(browser, { language, still: true })
  const page = await context.newPage()
  page.on('pageerror', (error) => fail(`first: exception: ${error.message}`))
  const count = { screens: 0, typed: 0, presses: 0 }
  const seen = new Set()
  page.on('framenavigated', (frame) => {
    if (frame !== page.mainFrame()) return
    // An organization's own address leads on to its first page; a screen is what stays.
    const at = new URL(frame.url()).pathname.replace(/[a-z0-9]{15}/g, '…')
    if (at !== '/o/…' && !seen.has(at)) count.screens = seen.add(at).size
  })
  const type = async (field, text) => {
    count.typed++
    await field.fill(text)
  }
  const press = async (what) => {
    count.presses++
    await what.click()
  }
  const started = Date.now()
  try {
    await page.goto(`${desk.base}/setup`)
    await settled(page)
    await type(page.locator('[name="name"]'), 'Ada North')
    await type(page.locator('[name="organization"]'), 'North Plumbing')
    await type(page.locator('[name="email"]'), 'ada@north.test')
    await type(page.locator('[name="password"]'), 'a long password of Ada')
    await press(page.getByRole('checkbox', { name: t('setup.demo') }))
    await look(page, 'first-setup')
    await press(page.getByRole('button', { name: t('setup.start') }))

    await page.getByRole('heading', { name: t('home.steps.assistant.title') }).waitFor()
    await settled(page)
    await look(page, 'first-assistant')
    await press(page.getByText(t('trades.craft'), { exact: true }))
    await press(page.getByRole('button', { name: t('assistants.create') }))

    const area = page.locator('[name="area_code"]')
    await area.waitFor()
    await look(page, 'first-number')
    await type(area, '415')
    await press(page.getByRole('button', { name: t('numbers.do.vapi') }))

    // The only assistant answers the only number.
    await page.getByText(t('home.answered.yes'), { exact: true }).waitFor()
    const ring = page.getByRole('button', { name: t('home.steps.ring') })
    await ring.waitFor()
    await look(page, 'first-call')
    await press(ring)
    await page.waitForURL(/\/calls\/[a-z0-9]{15}$/)
    await page.getByRole('region', { name: t('calls.transcript') }).locator('[data-role="assistant"]').first().waitFor()

    await page.goBack()
    await page.getByRole('heading', { name: t('home.last') }).waitFor()
    await page.getByRole('heading', { name: t('home.steps.title') }).waitFor({ state: 'detached' })
    await look(page, 'first-done')
    for (const [what, most] of Object.entries(MOST))
      if (count[what] > most) fail(`first: ${count[what]} ${what}, at most ${most}: ${JSON.stringify(count)} ${[...seen].join(' ')}`)
  } catch (error) {
    fail(`first: ${error.message.split('\n').slice(0, 4).join(' ')} (${page.url()})`)
    const out = path.join(import.meta.dirname, 'out')
    fs.mkdirSync(out, { recursive: true })
    await page.screenshot({ path: path.join(out, 'first.png'), fullPage: true }).catch(() => undefined)
  } finally {
    await context.close()
    await desk.stop()
  }
  const { screens, typed, presses } = count
  return `${screens} screens, ${typed} typed answers, ${presses} presses, ${Math.round((Date.now() - started) / 1000)} s`
}
