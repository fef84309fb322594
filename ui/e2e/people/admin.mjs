// What an admin looks after: pictures, keys for programs, and the log of what happened.
import fs from 'node:fs'
import { choose, look, said } from '../person.mjs'
import { picture } from '../picture.mjs'
import { t } from '../words.mjs'

export async function pictures(ada, client) {
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

export async function apiKey(world, ada) {
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

export async function auditLog(world, ada) {
  const { page } = ada
  const [client] = world.clients
  await ada.go(`/o/${client.id}/settings`)
  await choose(page, t('settings.details.industry'), t('trades.dental'))
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
  const trade = t('settings.audit.fields.industry')
  const row = page.getByRole('row', { name: change }).filter({ hasText: trade })
  await row.first().waitFor()
  // The rows of before stand there until those that were asked for come.
  await page.waitForFunction((many) => document.querySelectorAll('tr').length < many, many)
  const few = await page.getByRole('row').count()
  if (await page.getByRole('row', { name: 'Admin Reed' }).count() > 0) throw new Error("the filter by person shows others' changes")
  await row.first().getByRole('button').click()
  const dialog = page.getByRole('dialog')
  const cells = await dialog.getByRole('row', { name: trade }).getByRole('cell').allInnerTexts()
  await look(page, 'audit-entry')
  if (!cells.join('|').endsWith(`${t('trades.law')}|${t('trades.dental')}`)) throw new Error(`before and after read ${cells.join(' | ')}`)
  for (const fact of [ada.name, '127.0.0.1', 'Chrome']) await dialog.getByText(fact, { exact: false }).first().waitFor()
  await page.keyboard.press('Escape')
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: t('settings.audit.csv') }).click()])
  const csv = fs.readFileSync(await file.path(), 'utf8')
  if (!csv.includes('dental') || csv.includes('Admin Reed')) throw new Error('the CSV does not follow the filters')
  return `${few - 1} of ${many - 1} rows by person and kind`
}
