import { Button, Code, Group, Paper, Stack, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Search, Trash2 } from 'lucide-react'
import { confirm } from '../../components/confirm'
import { Section } from '../../components/Section'
import { ErrorState } from '../../components/States'
import { failed, saved } from '../../components/toast'
import { When } from '../../components/When'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useT, type Key } from '../../lib/i18n'
import { phone } from '../../lib/phone'

interface Stray {
  collection: 'assistants' | 'functions' | 'phone_numbers'
  id: string
  name: string
  created: string
  reason: string
  price: string
}

const key = ['installation', 'strays'] as const

/** What is left over at the phone provider: asked for when somebody looks, removed one by one. */
export function Strays() {
  const t = useT()
  const answer = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => api.get<{ strays: Stray[] }>('/api/installation/strays', { signal }),
    enabled: false,
  })
  const strays = answer.data?.strays
  return (
    <Section
      title={t('installation.strays.title')}
      text={t('installation.strays.text')}
      actions={(
        <Button variant="default" leftSection={<Search size={16} aria-hidden />} loading={answer.isFetching} onClick={() => void answer.refetch()}>
          {t('installation.strays.look')}
        </Button>
      )}
    >
      {answer.error && !answer.isFetching && <ErrorState error={answer.error} onRetry={() => void answer.refetch()} />}
      {!answer.error && strays?.length === 0 && <Text size="sm" c="dimmed">{t('installation.strays.none')}</Text>}
      {!!strays?.length && (
        <Stack gap="xs" role="list" aria-label={t('installation.strays.table')}>
          {strays.map((stray) => <One key={`${stray.collection}/${stray.id}`} stray={stray} />)}
        </Stack>
      )}
    </Section>
  )
}

function One({ stray }: { stray: Stray }) {
  const t = useT()
  const queries = useQueryClient()
  const name = phone(stray.name) || t('installation.strays.noName')
  const foreign = stray.reason === 'other_installation' || stray.reason === 'no_installation'
  const remove = useMutation({
    mutationFn: () => api.post('/api/installation/strays/remove', { collection: stray.collection, id: stray.id }),
    onSuccess: () => {
      saved(t('installation.strays.removed', { name }))
      queries.setQueryData<{ strays: Stray[] }>(key, (old) => old && { strays: old.strays.filter((s) => s.id !== stray.id) })
    },
    onError: (error) => failed(problem(error, t)),
  })
  const ask = async () => {
    const yes = await confirm({
      title: t('installation.strays.removeTitle', { name }),
      body: `${t(`installation.strays.removeTexts.${stray.collection}`)}${foreign ? ` ${t('installation.strays.foreign')}` : ''}`,
      action: t('installation.strays.remove'),
      danger: true,
    })
    if (yes) remove.mutate()
  }
  return (
    <Paper withBorder p="sm" role="listitem">
      <Group justify="space-between" wrap="wrap" gap="xs">
        <Stack gap={2} miw={0}>
          <Text size="sm" fw={550} className="pl-wrap">{t(`installation.strays.kinds.${stray.collection}`)} · <bdi>{name}</bdi></Text>
          <Text size="sm" c="dimmed">
            {t(`installation.strays.reasons.${stray.reason}` as Key)} · {t(`installation.strays.prices.${stray.price || 'nothing'}` as Key)}
          </Text>
          <Text size="xs" c="dimmed">{t('installation.strays.created')} <When value={stray.created} /> · <Code fz={11} className="pl-wrap">{stray.id}</Code></Text>
        </Stack>
        <Button variant="light" color="red" size="xs" leftSection={<Trash2 size={14} aria-hidden />} loading={remove.isPending} onClick={() => void ask()}>
          {t('installation.strays.remove')}
        </Button>
      </Group>
    </Paper>
  )
}
