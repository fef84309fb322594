import { MantineProvider } from '@mantine/core'
import { cleanup, render } from '@testing-library/react'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { I18nProvider, needWords, setLanguage, t } from '../../lib/i18n'
import type { CallDetail } from './data'
import { EndReason } from './EndReason'

beforeAll(() => needWords('calls'))
afterEach(async () => {
  cleanup()
  await setLanguage('en')
})

const shown = (ended_reason: string) =>
  render(
    <MantineProvider>
      <I18nProvider>
        <EndReason
          call={
            {
              ended_reason,
              outcome: 'completed',
              status: 'completed',
              summary: 'A caller asked for a price.',
            } as CallDetail
          }
        />
      </I18nProvider>
    </MantineProvider>,
  ).container.querySelector('p')?.textContent

test.each(['en', 'fr'] as const)('a known reason is said in words alone: %s', async (language) => {
  await setLanguage(language)
  const text = shown('customer-ended-call')
  expect(text).not.toMatch(/-/)
  expect(text).toMatch(/\S+ \S+/)
})

test('another one is told by its outcome, never by the provider’s word', () => {
  expect(shown('pipeline-error-of-tomorrow')).toBe(t('calls.came.unanswered'))
})
