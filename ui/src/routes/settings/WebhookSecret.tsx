import { Alert, Button, Checkbox, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { CircleCheck, Hourglass, RefreshCw, TriangleAlert } from 'lucide-react'
import { useState } from 'react'
import { Dialog } from '../../components/Dialog'
import { Section } from '../../components/Section'
import { ErrorState, ProblemAlert, SkeletonAfter200ms } from '../../components/States'
import { StatusBadge } from '../../components/StatusBadge'
import { saved } from '../../components/toast'
import { When } from '../../components/When'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { parseDate } from '../../lib/format'
import { useT } from '../../lib/i18n'
import { useOrg } from '../../lib/session'

interface Secret {
  /** '' while the organization has none of its own. */
  changed_at: string
  earlier_valid: boolean
  /** The one all organizations of the installation shared is accepted. */
  installation_valid: boolean
  copies_pending: number
  ends_after: string
}

const path = (org: string) => `/api/organizations/${org}/webhook-secret`
const key = (org: string) => [org, 'webhook_secret'] as const

// Copies are told within seconds, or after the provider's trouble is over.
const TELLING_MS = 4_000

/** How the phone provider's messages prove that they are real, and a new secret for it. */
export function WebhookSecret() {
  const t = useT()
  const org = useOrg()
  const [asking, setAsking] = useState(false)
  const secret = useQuery({
    queryKey: key(org),
    queryFn: ({ signal }) => api.get<Secret>(path(org), { signal }),
    refetchInterval: (query) => (query.state.data?.copies_pending ? TELLING_MS : false),
  })
  return (
    <Section
      title={t('settings.secret.title')}
      text={t('settings.secret.text')}
      actions={
        <Button
          variant="default"
          leftSection={<RefreshCw size={16} aria-hidden />}
          disabled={!secret.data}
          onClick={() => setAsking(true)}
        >
          {t('settings.secret.rotate')}
        </Button>
      }
    >
      {secret.isPending && <SkeletonAfter200ms lines={2} />}
      {secret.error && !secret.data && <ErrorState error={secret.error} onRetry={() => void secret.refetch()} />}
      {secret.data && <State secret={secret.data} at={secret.dataUpdatedAt} />}
      {asking && <Rotate onClose={() => setAsking(false)} />}
    </Section>
  )
}

function State({ secret, at }: { secret: Secret; at: number }) {
  const t = useT()
  const { changed_at, earlier_valid, installation_valid, copies_pending, ends_after } = secret
  const ends = parseDate(ends_after)
  const over = ends !== undefined && ends.getTime() < at
  return (
    <Stack gap="xs" role="status">
      <Text size="sm">
        {changed_at ? (
          <>
            {t('settings.secret.changed')} <When value={changed_at} />.
          </>
        ) : (
          t('settings.secret.none')
        )}
      </Text>
      {changed_at && (
        <div>
          {copies_pending > 0 ? (
            <StatusBadge icon={Hourglass} tone="busy" label={t('settings.secret.pending', { count: copies_pending })} />
          ) : (
            <StatusBadge icon={CircleCheck} tone="good" label={t('settings.secret.told')} />
          )}
        </div>
      )}
      {(earlier_valid || installation_valid) && ends && (
        <Text size="sm" c="dimmed" className="pl-wrap">
          {t(earlier_valid ? 'settings.secret.earlier' : 'settings.secret.shared')}{' '}
          {over ? (
            t('settings.secret.endsTold')
          ) : (
            <>
              {t('settings.secret.ends')} <When value={ends_after} exact />
              {copies_pending > 0 && ` ${t('settings.secret.andTold')}`}.
            </>
          )}
        </Text>
      )}
    </Stack>
  )
}

/** Asks before a new secret is made, and whether the old one leaked. */
function Rotate({ onClose }: { onClose: () => void }) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const [leaked, setLeaked] = useState(false)
  const rotate = useMutation({
    mutationFn: () => api.post<Secret>(`${path(org)}/rotate`, { at_once: leaked }),
    onSuccess: (secret) => {
      queries.setQueryData(key(org), secret)
      saved(t('settings.secret.rotated'))
      onClose()
    },
  })
  return (
    <Dialog onClose={onClose} title={t('settings.secret.rotateTitle')}>
      <Stack gap="md">
        <ProblemAlert problem={rotate.error ? problem(rotate.error, t) : undefined} />
        <Text size="sm">
          {t('settings.secret.rotateText')}
          {!leaked && ` ${t('settings.secret.rotateStays')}`}
        </Text>
        <Checkbox
          label={t('settings.secret.atOnce')}
          description={t('settings.secret.atOnceHint')}
          checked={leaked}
          onChange={(event) => setLeaked(event.currentTarget.checked)}
        />
        {leaked && (
          <Alert color="yellow" variant="light" icon={<TriangleAlert size={18} aria-hidden />}>
            {t('settings.secret.atOnceWarn')}
          </Alert>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {t('actions.cancel')}
          </Button>
          <Button color={leaked ? 'red' : undefined} loading={rotate.isPending} onClick={() => rotate.mutate()}>
            {t(leaked ? 'settings.secret.rotateNow' : 'settings.secret.rotate')}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}
