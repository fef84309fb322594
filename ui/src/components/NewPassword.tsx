import { PasswordInput, type PasswordInputProps } from '@mantine/core'
import { useT } from '../lib/i18n'
import { PASSWORD } from '../routes/limits'

/** Where a password is chosen. The rule stands there until it is what is wrong. */
export function NewPassword({ error, ...props }: PasswordInputProps) {
  const t = useT()
  return (
    <PasswordInput
      description={error ? undefined : t('auth.passwordRule', { count: PASSWORD.min })}
      autoComplete="new-password"
      error={error}
      {...props}
    />
  )
}
