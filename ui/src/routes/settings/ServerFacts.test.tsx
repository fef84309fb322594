import { MantineProvider } from '@mantine/core'
import { render, screen } from '@testing-library/react'
import { beforeAll, expect, test } from 'vitest'
import { I18nProvider, needWords } from '../../lib/i18n'
import type { Installation } from '../setup/Connections'
import { ServerFacts } from './ServerFacts'

beforeAll(() => needWords('people'))

const well: Installation['server'] = {
  version: '1.2.0',
  public_url: 'https://desk.example.com',
  alerts: { mail: 'ada@north.test', webhook: false },
  key_file: '/srv/data/.key',
  health: { status: 'healthy', checks: { disk: { status: 'pass', message: '900 MB free' } } },
}
const show = (server: Partial<Installation['server']>, mail = true) => {
  render(
    <MantineProvider env="test">
      <I18nProvider>
        <ServerFacts server={{ ...well, ...server }} mail={{ enabled: mail } as Installation['mail']} />
      </I18nProvider>
    </MantineProvider>,
  )
  return document.body.textContent!
}

test('a server that is well says which it is, who hears of trouble and where its key lies', () => {
  const text = show({})
  for (const words of ['1.2.0', 'https://desk.example.com', 'All is well', 'ada@north.test', '/srv/data/.key'])
    expect(text).toContain(words)
  expect(text).not.toContain('900 MB')
})

test('one that is not says what is wrong', () => {
  const text = show({
    health: {
      status: 'degraded',
      checks: { disk: { status: 'warn', message: '12 MB free' }, inbox: { status: 'pass', message: '0 waiting' } },
    },
  })
  expect(text).toContain('Disk: 12 MB free')
  expect(text).not.toContain('0 waiting')
})

test('without an address, mail or key file it says what that means', () => {
  const text = show({ public_url: '', key_file: '' }, false)
  expect(text).toContain('POCKETLINE_PUBLIC_URL')
  expect(text).toContain('sends no email')
  expect(text).toContain('POCKETLINE_KEY')
  expect(screen.queryByText('ada@north.test')).toBeNull()
})
