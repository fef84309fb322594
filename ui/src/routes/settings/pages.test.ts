import type { StaticDataRouteOption } from '@tanstack/react-router'
import { expect, test } from 'vitest'
import { router } from '../../router'
import { settingsPages } from './pages'

const paths = (rights: string[], operator: boolean) =>
  settingsPages(router.routesByPath, (action) => rights.includes(action), operator).map((page) => page.path)

test('everybody finds the settings they may see, the server’s only its operator', () => {
  expect(paths(['settings.view'], false)).toEqual(expect.arrayContaining(['settings', 'settings/hours', 'settings/limits']))
  expect(paths(['integrations.manage'], false)).toContain('settings/keys')
  expect(paths(['replies.view'], false)[0]).toBe('settings/replies')
  expect(paths(['replies.view'], false)).not.toContain('settings')
  expect(paths([], true)).toEqual(['settings/installation'])
})

test('the menu has the order of the routes, but for pages that stand behind another', () => {
  const all = paths(['settings.view', 'settings.manage', 'integrations.manage', 'replies.view'], true)
  expect(all[0]).toBe('settings')
  expect(all.indexOf('settings/replies')).toBe(all.indexOf('settings/limits') + 1)
  expect(all.at(-1)).toBe('settings/installation')
})

test('each page of one record says of which collection, and each page has its place in the menu behind one that is there', () => {
  const routes = Object.entries(router.routesByPath as Record<string, { options: { staticData?: StaticDataRouteOption } }>)
  for (const [path, { options }] of routes) {
    if (path.endsWith('/$id')) expect(options.staticData?.record, path).toBeDefined()
    const after = options.staticData?.settings?.after
    if (after) expect(routes.map(([one]) => one)).toContain(`/o/$org/${after}`)
  }
})
