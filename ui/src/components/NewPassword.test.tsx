import { MantineProvider } from '@mantine/core'
import { cleanup, render } from '@testing-library/react'
import { afterEach, expect, test } from 'vitest'
import { I18nProvider } from '../lib/i18n'
import { PASSWORD } from '../routes/limits'
import { NewPassword } from './NewPassword'

afterEach(cleanup)

test.each([undefined, `At least ${PASSWORD.min} characters.`])(
  'the rule of a password stands there once: %s',
  (error) => {
    const { container } = render(
      <MantineProvider>
        <I18nProvider>
          <NewPassword label="Password" error={error} />
        </I18nProvider>
      </MantineProvider>,
    )
    expect(container.textContent?.match(new RegExp(`${PASSWORD.min} `, 'g'))).toHaveLength(1)
  },
)
