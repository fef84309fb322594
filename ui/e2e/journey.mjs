// The main job as a person does it: sign in, let somebody call, watch, read, listen, and find the call again.
import fs from 'node:fs'
import path from 'node:path'
import { base, profile, settled, watched } from './browser.mjs'

const CALL_MS = 240_000
// What the sandbox's booking caller and our assistant say, and what is used between.
const LINES = 7
// The sandbox's callers do not wait for a machine that is late. One that sees a whole call at once is rung again, by a caller who
// talks at such a speed.
const SLOWER = [2, 0.5]
const FUNCTIONS = ['check_availability', 'book_appointment']
const RING = '**/api/simulate?*'
const WORD = 'appointment'
const VIEW = 'Answered, oldest first'
const RENAMED = 'Answered'
// A second request for the same follows a stream's beginning by a quarter of a second.
const SECOND_MS = 800

export async function journey(browser, who, fail) {
  const context = await profile(browser)
  const page = await context.newPage()
  const complaints = watched(page)
  const steps = []
  const step = async (name, work) => {
    try {
      steps.push([name, await work()].filter(Boolean).join(': '))
      return true
    } catch (error) {
      fail(`journey, ${name}: ${error.message.split('\n')[0]} (${page.url()})`)
      const out = path.join(import.meta.dirname, 'out')
      fs.mkdirSync(out, { recursive: true })
      await page.screenshot({ path: path.join(out, 'journey.png'), fullPage: true })
      return false
    }
  }
  try {
    await walkThrough(page, who, step)
    for (const what of complaints) fail(`journey: ${what}`)
    for (const what of await page.evaluate(() => window.__seen.policy)) fail(`journey: refused by the policy: ${what}`)
  } finally {
    await context.close()
  }
  return steps.join(' · ')
}

/** The caller whom the page asks for talks at a speed that the page cannot ask for. */
async function slower(page, speed) {
  const [address] = process.env.E2E_SANDBOX.split(' ')
  await page.unroute(RING)
  await page.route(RING, async (route) => {
    const { phone_number, script, language } = route.request().postDataJSON()
    const number = await (await fetch(`${base}/api/collections/phone_numbers/records/${phone_number}`, { headers: { Authorization: await route.request().headerValue('authorization') } })).json()
    const answer = await fetch(`http://${address}/_sandbox/calls`, { method: 'POST', body: JSON.stringify({ phoneNumberId: number.vapi_phone_id, script, language, speed }) })
    await route.fulfill({ status: 201, json: { vapi_call_id: (await answer.json()).callId } })
  })
}

/** Waits for the end of the call on the page, and returns each number of lines that was there before. */
async function counted(page) {
  const seen = new Set()
  const end = Date.now() + CALL_MS
  for (;;) {
    const now = await page.evaluate(() => ({
      lines: document.querySelectorAll('[role="region"][aria-label="Transcript"] [data-role]').length,
      live: document.querySelector('[aria-live="polite"] [aria-label="Transcript"]') !== null,
      over: document.querySelector('section[aria-label="Recording"]') !== null,
    }))
    if (now.live) seen.add(now.lines)
    if (now.over) return seen
    if (Date.now() > end) throw new Error('the call did not end with a recording')
    await page.waitForTimeout(50)
  }
}

async function walkThrough(page, who, step) {
  const conversation = page.getByRole('region', { name: 'Transcript' })
  const lines = conversation.locator('[data-role]')
  let call = ''

  if (!await step('signed in', async () => {
    await page.goto(base + '/login')
    await page.getByLabel('Email').fill(process.env.E2E_EMAIL)
    await page.locator('input[type="password"]').fill(process.env.E2E_PASSWORD)
    const stream = page.waitForResponse((answer) => answer.request().method() === 'POST' && new URL(answer.url()).pathname === '/api/realtime')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.waitForURL(`**/o/${who.org}/home`)
    await settled(page)
    await stream
  })) return

  await step('the list is asked for once', async () => {
    const asked = []
    const hear = (request) => {
      const { pathname, search } = new URL(request.url())
      if (pathname === `/api/organizations/${who.org}/calls` && search.includes('limit=40')) asked.push(search)
    }
    page.on('request', hear)
    await page.getByRole('link', { name: 'Calls', exact: true }).first().click()
    await page.waitForURL(/\/calls(\?|$)/)
    await page.locator('main a[href*="/calls/"]').first().waitFor()
    await page.waitForTimeout(SECOND_MS)
    page.off('request', hear)
    if (asked.length !== 1) throw new Error(`it was asked for ${asked.length} times: ${asked.join(' ')}`)
    await page.getByRole('link', { name: 'Home', exact: true }).first().click()
    await page.waitForURL('**/home')
  })

  // Each number of lines that was on the page while the call went on.
  let seen = new Set()
  if (!await step('a call arrives', async () => {
    for (const speed of [undefined, ...SLOWER]) {
      if (speed) await slower(page, speed)
      if (speed) await page.goto(`${base}/o/${who.org}/home`)
      await page.getByRole('button', { name: 'Simulate a call' }).first().click()
      const dialog = page.getByRole('dialog', { name: 'Simulate a call' })
      await dialog.getByRole('radio', { name: 'Somebody who books an appointment' }).check()
      await dialog.getByRole('button', { name: 'Let it ring' }).click()
      await page.waitForURL(/\/calls\/[a-z0-9]{15}$/)
      call = page.url()
      seen = await counted(page)
      if (seen.size >= 3 || !process.env.E2E_SANDBOX) break
    }
    await page.unroute(RING)
  })) return

  if (!await step('lines stream', () => {
    const counts = [...seen].join(', ')
    if (seen.size < 3) throw new Error(`the lines did not come one by one: seen ${counts || 'none'} while the call went on`)
    return `seen ${counts}`
  })) return

  await step('the call is complete', async () => {
    await page.waitForFunction((n) => document.querySelectorAll('[role="region"][aria-label="Transcript"] [data-role]').length === n, LINES)
    for (const name of FUNCTIONS) await conversation.getByText(`Function ${name}`).waitFor()
    await page.getByRole('region', { name: 'Summary' }).getByText('Priya Raman called to make an appointment').waitFor()
    await page.getByRole('region', { name: 'Summary' }).getByText('Answered', { exact: true }).waitFor()
    const costs = page.locator('section', { has: page.getByRole('heading', { name: 'Cost and speed', exact: true }) })
    await costs.locator('summary').first().click()
    const cost = await costs.innerText()
    if (!/\$\s?0\.0\d/.test(cost) || !cost.includes('Speaking')) throw new Error(`the cost reads ${JSON.stringify(cost)}`)
  })

  await step('what was found in it', async () => {
    const found = await page.locator('section', { has: page.getByRole('heading', { name: 'Analysis', exact: true }) }).innerText()
    if (!/Goal\s+Reached/.test(found) || !/Wanted\s+book/.test(found)) throw new Error(`the analysis reads ${JSON.stringify(found)}`)
    const bill = page.locator('details details', { has: page.getByText(/lines of the bill$/) })
    await bill.locator('summary').click()
    const lines = await bill.getByRole('row').allInnerTexts()
    const cents = (text) => Math.round(Number(text.match(/\$([\d.]+)\s*$/)?.[1]) * 10_000)
    const sum = lines.slice(0, -1).reduce((so, line) => so + cents(line), 0)
    if (lines.length < 6 || !lines.some((line) => /Speaking[\s\S]*characters/.test(line)) || sum !== cents(lines.at(-1))) throw new Error(`the bill reads ${lines.join(' | ')}`)
  })

  await step('the timeline', async () => {
    await page.getByRole('tab', { name: 'Timeline' }).click()
    const entries = await page.getByRole('tabpanel', { name: 'Timeline' }).getByRole('listitem').allInnerTexts()
    const wanted = ['Ringing', 'Answered', ...FUNCTIONS.map((name) => `Function ${name}`), 'Ended']
    const places = wanted.map((text) => entries.findIndex((entry) => entry.includes(text)))
    if (places.some((at, i) => at < 0 || at <= (places[i - 1] ?? -1))) throw new Error(`reads ${entries.join(' | ')}`)
    await page.getByRole('tab', { name: 'Conversation' }).click()
  })

  await step('the recording plays', async () => {
    const player = page.getByRole('region', { name: 'Recording' })
    const place = async () => Number(await player.getByRole('slider').getAttribute('aria-valuenow'))
    await player.getByRole('button', { name: 'Play' }).click()
    await player.getByRole('button', { name: 'Pause' }).waitFor()
    await page.waitForFunction(() => Number(document.querySelector('[role="slider"][aria-valuenow]').getAttribute('aria-valuenow')) >= 1)
    await page.locator('[aria-current="true"]', { hasText: 'How can I help?' }).waitFor()
    // A press on a later line goes there, and its words are the ones that are marked.
    const line = lines.nth(3)
    await line.getByRole('button', { name: /^Play from / }).click()
    await page.waitForFunction(() => [...document.querySelectorAll('[aria-label="Transcript"] [data-role]')].findIndex((l) => l.getAttribute('aria-current') === 'true') === 3)
    const at = await place()
    if (at < 10) throw new Error(`the fourth line is marked at second ${at}`)
    await player.getByRole('button', { name: 'Pause' }).click()
    return `from second ${at}`
  })

  await step('found again', async () => {
    await page.getByRole('link', { name: 'Calls', exact: true }).first().click()
    await page.waitForURL(/\/calls(\?|$)/)
    await page.getByRole('searchbox', { name: 'Search in calls' }).fill(WORD)
    const row = page.locator('tr, li, a', { has: page.locator('mark', { hasText: WORD }) }).first()
    await row.waitFor()
    await page.locator(`a[href$="${new URL(call).pathname}"]`).first().click()
    await page.waitForURL(call)
    await settled(page)
    return `by "${WORD}"`
  })

  await step('found from anywhere', async () => {
    const search = page.getByRole('textbox', { name: 'Find, go or do…' })
    const lines = page.getByRole('dialog').getByRole('button')
    await page.goto(`${base}/o/${who.org}/team`)
    await settled(page)
    await page.keyboard.press('Control+k')
    await search.fill(WORD)
    await lines.filter({ has: page.locator('mark', { hasText: WORD }) }).filter({ has: page.locator('time') }).first().click()
    await page.waitForURL(/\/calls\/[a-z0-9]{15}$/)
    await page.getByRole('region', { name: 'Summary' }).waitFor()
    const opened = await page.locator('h1').innerText()
    await page.goto(`${base}/o/${who.org}/team`)
    await settled(page)
    await page.keyboard.press('Control+k')
    await lines.first().filter({ hasText: opened }).waitFor()
    // And does: the first letters, and Enter.
    await search.fill('simul')
    await lines.first().filter({ hasText: 'Simulate a call' }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Simulate a call' }).getByRole('button', { name: 'Cancel' }).click()
  })

  await step('a view is kept', async () => {
    const menu = page.getByRole('button', { name: /^View/ })
    const wanted = 'outcome=completed'
    await page.goto(`${base}/o/${who.org}/calls?${wanted}&sort=started_at`)
    await menu.click()
    await page.getByRole('menuitem', { name: 'Save this view' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill(VIEW)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: `View: ${VIEW}` }).waitFor()
    // Another visit, and only the keyboard.
    await page.goto(`${base}/o/${who.org}/calls?search=${WORD}`)
    await page.locator('main mark', { hasText: WORD }).first().waitFor()
    await menu.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('menuitem', { name: VIEW }).waitFor()
    // The menu hears keys once the focus is in it.
    await page.waitForFunction(() => document.activeElement?.closest('[role="menu"]'))
    await page.keyboard.press('ArrowDown')
    await page.waitForFunction((name) => document.activeElement?.textContent === name, VIEW)
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.search.includes(wanted) && !url.search.includes('search='))
    await menu.click()
    await page.getByRole('menuitem', { name: 'Rename or delete views' }).click()
    await page.getByRole('dialog').getByLabel(`Name of ${VIEW}`).fill(RENAMED)
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: `View: ${RENAMED}` }).waitFor()
    await menu.click()
    await page.getByRole('menuitem', { name: 'Rename or delete views' }).click()
    await page.getByRole('dialog').getByRole('button', { name: `Delete ${RENAMED}` }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'Views', exact: true }).waitFor()
  })
}
