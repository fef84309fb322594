// What stands on screen when something is not there: the code, still on its way; the network; a page; an organization.
import { base, profile, settled, WAIT_MS, watched } from './browser.mjs'

const BAR = 'The server cannot be reached.'
const OTHER = { page: 'Assistants', code: /\/assets\/AssistantsPage-/, path: 'assistants' }

export async function away(browser, who, fail) {
  const done = []
  const step = async (name, work) => {
    const context = await profile(browser, { who, still: true, ahead: true })
    try {
      const page = await context.newPage()
      await work(page, context)
      done.push(name)
    } catch (error) {
      fail(`away, ${name}: ${error.message.split('\n')[0]}`)
    } finally {
      await context.close()
    }
  }
  const home = `${base}/o/${who.org}/home`
  const frame = (page) => page.getByRole('navigation', { name: 'Main menu' })
  const connected = (page) => page.waitForResponse((r) => r.url().includes('/api/realtime') && r.request().method() === 'POST')

  await step('the frame is there before the application', async (page) => {
    let go
    const held = new Promise((resolve) => { go = resolve })
    await page.route(/\/assets\/app-.*\.js/, async (route) => {
      await held
      await route.continue()
    })
    await page.goto(home, { waitUntil: 'commit' })
    await page.locator('#start [data-part="side"]').waitFor()
    const before = await page.locator('#start [data-part="side"]').boundingBox()
    go()
    await settled(page)
    if (await page.locator('#start').count() > 0) throw new Error('what was drawn before is still there')
    const after = await frame(page).boundingBox()
    // The line beside it belongs to the bar's parent.
    if (Math.abs(before.width - after.width) > 1 || before.height !== after.height) throw new Error(`it was of another size: ${JSON.stringify([before, after])}`)
  })

  await step('the frame makes way for an error', async (page) => {
    await page.route('**/api/collections/memberships/records?**', (route) => route.fulfill({ status: 500, json: {} }))
    await page.goto(home)
    await page.getByRole('button', { name: 'Try again' }).click({ trial: true })
  })

  await step('no network', async (page, context) => {
    // Of the pages fetched ahead this one did not come.
    await page.route(OTHER.code, (route) => route.abort())
    const stream = connected(page)
    await page.goto(home)
    await settled(page)
    await stream
    await page.unroute(OTHER.code)
    await context.setOffline(true)
    await page.getByText(BAR).waitFor()
    if (!await page.getByRole('heading', { level: 1 }).isVisible()) throw new Error('the page on screen is gone')
    await frame(page).getByRole('link', { name: OTHER.page }).click()
    await page.getByRole('heading', { name: 'No connection', level: 1 }).waitFor()
    await page.getByRole('button', { name: 'Try again' }).click()
    await frame(page).getByRole('link', { name: 'Calls', exact: true }).waitFor()
    await context.setOffline(false)
    await page.getByRole('heading', { name: OTHER.page, level: 1 }).waitFor()
    await page.getByText(BAR).waitFor({ state: 'detached' })
  })

  await step('an upgrade', async (page) => {
    // The tab was opened before: the file is gone, and the new version knows another.
    let gone = true
    await page.route(OTHER.code, (route) => (gone ? route.fulfill({ status: 404 }) : route.continue()))
    await page.goto(home)
    await settled(page)
    // Nobody asks for the new one but the page itself.
    page.on('request', (request) => { if (request.isNavigationRequest()) gone = false })
    await frame(page).getByRole('link', { name: OTHER.page }).click()
    await page.getByRole('heading', { name: OTHER.page, level: 1 }).waitFor()
  })

  await step('the other pages are fetched ahead', async (page) => {
    const coming = page.waitForResponse((answer) => OTHER.code.test(answer.url()))
    await page.goto(home)
    await coming
  })

  await step('a page that was fetched ahead opens without a network', async (page, context) => {
    // By itself a browser notes 250.
    await page.addInitScript(() => performance.setResourceTimingBufferSize(2_000))
    await page.goto(home)
    await settled(page)
    // A predicate that is a promise is no predicate to waitForFunction: it is asked from here.
    const came = () => page.evaluate(async () => {
      const list = document.querySelector('meta[name="ahead"]').content
      const { pages, words } = await (await fetch(list)).json()
      const here = new Set(performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname))
      return [...pages, ...words.en].every((file) => here.has(file))
    })
    for (const end = Date.now() + WAIT_MS; !await came();) {
      if (Date.now() > end) throw new Error('not all of the pages came')
      await page.waitForTimeout(200)
    }
    await context.setOffline(true)
    await page.getByText(BAR).waitFor()
    await frame(page).getByRole('link', { name: OTHER.page }).click()
    await page.getByRole('heading', { name: OTHER.page, level: 1 }).waitFor()
  })

  await step('no such page, no such organization', async (page) => {
    const complaints = watched(page)
    for (const [path, heading] of [[`/o/${who.org}/nothing-of-ours`, 'Nothing here'], ['/nothing-of-ours', 'Nothing here'], ['/o/nowhere/home', 'No such organization']]) {
      await page.goto(base + path)
      await page.getByRole('heading', { name: heading, level: 1 }).waitFor()
      await frame(page).waitFor()
      if (!(await page.title()).startsWith(heading)) throw new Error(`${path} is titled ${await page.title()}`)
    }
    if (complaints.length > 0) throw new Error(complaints.join(', '))
  })
  return done.join(' · ')
}
