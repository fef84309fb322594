// The pages that the browser checks visit: every route of the running dashboard, and what an address alone does not reach.
import { base, profile, settled } from './browser.mjs'

/** What a list is asked for that nothing holds. */
const NOTHING = 'nobody-is-called-this'
const token = `#token=e30.e30.${'x'.repeat(43)}`

// What no route says of itself. One with the name of a route stands for it.
//   path     below BASE_URL; a function gets {org, list} and may look up an id: list(collection, filter) → records
//   guest    visited without a session (default: signed in)
//   needs    "setup": only when the server has no account yet
//   tabs     which pages lie beside each other: their heading stands in one place
const more = [
  { name: 'setup', path: '/setup', guest: true, needs: 'setup' },
  ...['reset', 'verify', 'confirm-email'].map((name) => ({ name, path: `/${name}${token}`, guest: true })),
  { name: 'calls-filtered', path: ({ org }) => `/o/${org}/calls?search=appointment&call_type=inbound` },
  { name: 'calls-id', path: async ({ org, list }) => `/o/${org}/calls/${(await list('calls', `organization='${org}' && has_recording=true`))[0]?.id ?? (await list('calls', `organization='${org}'`))[0]?.id}` },
  ...['overview', 'behaviour', 'voice', 'functions', 'handoff', 'privacy'].map((tab) => ({
    name: `assistants-id-${tab}`, tabs: 'assistant', path: async ({ org, list }) => `/o/${org}/assistants/${(await list('assistants', `organization='${org}'`))[0]?.id}?tab=${tab}`,
  })),
  ...['vapi', 'twilio', 'other'].map((way) => ({ name: `numbers-new-${way}`, path: ({ org }) => `/o/${org}/numbers/new?way=${way}` })),
  { name: 'not-found', path: '/o/nowhere/home' },
]

/** Every page, by name: its path with dashes, without the organization. A list that can be searched is also seen without a match. */
export async function pages(browser) {
  const context = await profile(browser)
  const page = await context.newPage()
  await page.goto(`${base}/login`)
  await settled(page)
  // The router names itself for its own tools.
  const routes = await page.evaluate((nothing) => Object.values(window.__TSR_ROUTER__.routesById)
    .filter(({ children, options, fullPath }) => options.component && !children && !fullPath.endsWith('/'))
    .map((route) => {
      let above = route
      while (above && above.id !== '/signed-in') above = above.parentRoute
      const { validateSearch, staticData } = route.options
      return {
        to: route.fullPath, guest: !above, record: staticData?.record, settings: staticData?.settings !== undefined,
        searched: typeof validateSearch === 'function' && validateSearch({ q: nothing }).q === nothing,
      }
    }), NOTHING)
  await context.close()
  const found = routes.flatMap(({ to, guest, record, settings, searched }) => {
    const path = async ({ org, list }) => {
      if (!to.includes('$id')) return to.replace('$org', org)
      const [row] = await list(record, `organization='${org}'`)
      if (!row) throw new Error(`the walk needs a row of ${record}, for ${to}`)
      return to.replace('$org', org).replace('$id', row.id)
    }
    const name = to.replace(/^\/(o\/\$org\/)?/, '').replaceAll('/', '-').replace('$id', 'id')
    const tabs = settings ? 'settings' : /^(me|team)(-|$)/.exec(name)?.[1]
    const empty = async (who) => `${await path(who)}?q=${NOTHING}`
    return [{ name, guest, tabs, path }, ...(searched ? [{ name: `${name}-no-match`, guest, tabs, path: empty }] : [])]
  })
  return [...found.filter(({ name }) => !more.some((other) => other.name === name)), ...more]
}

export const home = ({ org }) => `/o/${org}/home`

// B9: something another person changes, and where it must show. `change` edits a record and `shows` is the text that
// proves it; it is put back afterwards.
export const outside = {
  collection: 'assistants',
  field: 'name',
  path: ({ org }) => `/o/${org}/assistants`,
}
