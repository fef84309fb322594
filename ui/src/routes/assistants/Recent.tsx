import { Anchor, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { PhoneIncoming, PhoneOutgoing } from 'lucide-react'
import { Section } from '../../components/Section'
import { ErrorState, SkeletonAfter200ms } from '../../components/States'
import { When } from '../../components/When'
import { duration } from '../../lib/format'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { phone } from '../../lib/phone'
import { areaPath, useOrg } from '../../lib/session'
import { otherEnd } from '../calls/data'
import { callFields, type RecentCall } from './data'

const SHOWN = 5

/** The assistant's last calls. */
export function Recent({ assistant }: { assistant: string }) {
  const t = useT()
  const org = useOrg()
  const calls = useQuery({
    queryKey: [org, 'calls', 'of-assistant', assistant],
    queryFn: async ({ signal }) =>
      (
        await pb.collection('calls').getList<RecentCall>(1, SHOWN, {
          filter: pb.filter('organization = {:org} && assistant = {:assistant}', { org, assistant }),
          sort: '-started_at',
          fields: callFields.join(),
          skipTotal: true,
          signal,
        })
      ).items,
  })
  return (
    <Section
      title={t('assistants.recent.title')}
      actions={
        <Anchor size="sm" component={Link} to={areaPath(org, 'calls')} search={{ assistant } as never}>
          {t('assistants.recent.all')}
        </Anchor>
      }
    >
      {calls.isPending && <SkeletonAfter200ms lines={SHOWN} />}
      {calls.error && !calls.data && <ErrorState error={calls.error} onRetry={() => void calls.refetch()} />}
      {calls.data?.length === 0 && <Text size="sm" c="dimmed">{t('assistants.recent.none')}</Text>}
      <Stack gap="sm">
        {calls.data?.map((call) => {
          const inbound = call.call_type === 'inbound'
          const Direction = inbound ? PhoneIncoming : PhoneOutgoing
          const who = phone(otherEnd(call)) || t('assistants.recent.unknown')
          return (
            <Stack key={call.id} gap={2}>
              <Group gap="xs">
                <Direction
                  size={16}
                  role="img"
                  aria-label={t(inbound ? 'assistants.recent.inbound' : 'assistants.recent.outbound')}
                />
                <Anchor
                  component={Link}
                  to={areaPath(org, `calls/${call.id}`)}
                  size="sm"
                  fw={550}
                  className="pl-tabular"
                >
                  {who}
                </Anchor>
                <Text size="xs" c="dimmed">
                  <When value={call.started_at} />
                  {call.duration_seconds > 0 && ` · ${duration(call.duration_seconds)}`}
                </Text>
              </Group>
              {call.summary && <Text size="sm" c="dimmed" lineClamp={2}>{call.summary}</Text>}
            </Stack>
          )
        })}
      </Stack>
    </Section>
  )
}
