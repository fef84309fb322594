import { Anchor, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { Link } from '@tanstack/react-router'
import { Dialog } from '../../components/Dialog'
import { field } from '../../components/Field'
import { ProblemAlert } from '../../components/States'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { limits } from '../../lib/pb-types.gen'
import { areaPath, useOrg } from '../../lib/session'
import { newBody, newProblems } from './form'
import { useJoined } from './useJoined'

const nothing = { friendly_name: '', phone_number: '', twilio_account_sid: '', twilio_auth_token: '', assistant: '' }

/** A free number from three digits; who has one already goes to the page that takes it. */
export function QuickNumber({ onMade }: { onMade?: (id: string) => void }) {
  const t = useT()
  const org = useOrg()
  const joined = useJoined()
  const form = useForm({
    initialValues: { area_code: '' },
    validate: ({ area_code }) => {
      const wrong = newProblems('vapi', { ...nothing, area_code }).area_code
      return wrong ? { area_code: t(`numbers.problems.${wrong}`) } : {}
    },
  })
  const { submit, failure, busy } = useSubmit(
    form,
    ({ area_code }) => pb.collection('phone_numbers').create<{ id: string }>(
      { organization: org, ...newBody('vapi', { ...nothing, area_code }) },
      { fields: 'id' },
    ),
    async ({ id }) => {
      await joined()
      onMade?.(id)
    },
  )
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <ProblemAlert problem={failure} />
        <TextInput
          label={t('numbers.areaCode')}
          description={t('numbers.areaCodeHint')}
          placeholder="415"
          inputMode="numeric"
          autoComplete="off"
          styles={{ wrapper: { maxWidth: 200 } }}
          {...field(form, 'area_code', { required: true, max: limits.phone_numbers.area_code.max })}
        />
        <Text size="sm" c="dimmed" className="pl-wrap">{t('numbers.freeLimits')}</Text>
        <Group gap="md">
          <Button type="submit" loading={busy}>{t('numbers.do.vapi')}</Button>
          <Anchor component={Link} to={areaPath(org, 'numbers/new')} search={{ way: 'twilio' } as never} size="sm">
            {t('numbers.quick.mine')}
          </Anchor>
        </Group>
      </Stack>
    </form>
  )
}

/** The same over what somebody is doing. */
export function QuickNumberDialog({ onMade, onClose }: { onMade: (id: string) => void; onClose: () => void }) {
  const t = useT()
  return (
    <Dialog onClose={onClose} title={t('numbers.new')}>
      <QuickNumber onMade={onMade} />
    </Dialog>
  )
}
