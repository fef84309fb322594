import { Button, Chip, Group, Stack, Text } from '@mantine/core'
import '@mantine/core/styles/Chip.layer.css'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { Dialog } from '../../components/Dialog'
import { Field } from '../../components/Field'
import { ProblemAlert } from '../../components/States'
import { problem } from '../../lib/errors'
import { useLanguage, useT, type Language } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { trades } from '../../lib/pb-types.gen'
import { useHere, useOrg } from '../../lib/session'
import { tradeOf, type Trade } from '../../lib/trades'
import { useJoined } from '../numbers/useJoined'
import { CallersLanguage } from './CallersLanguage'
import { newAssistant, startingPoint } from './startingPoints'

interface Made {
  id: string
  name: string
}

/** An assistant from a trade and a language, and nothing to type: it is named and worded by its starting point. */
export function QuickAssistant({ onMade }: { onMade?: (made: Made) => void }) {
  const t = useT()
  const org = useOrg()
  const { organization } = useHere()
  const reader = useLanguage()
  const joined = useJoined()
  const [from, setFrom] = useState<Trade>(tradeOf(organization?.industry))
  const [language, setLanguage] = useState<Language>(reader)
  const business = organization?.name ?? ''
  const point = startingPoint(from, language, business)
  const make = useMutation({
    mutationFn: () => pb.collection('assistants').create<Made>(
      { organization: org, ...newAssistant(from, language, business, point?.name ?? t('assistants.nameExample')) },
      { fields: 'id,name' },
    ),
    onSuccess: async (made) => {
      await joined()
      onMade?.(made)
    },
  })
  return (
    <Stack gap="md">
      <ProblemAlert problem={make.error ? problem(make.error, t) : undefined} />
      <Field label={t('assistants.from.trade')}>
        {(ids) => (
          <Chip.Group value={from} onChange={(value) => setFrom(value as Trade)}>
            <Group gap="xs" role="radiogroup" {...ids}>
              {trades.map((one) => (
                <Chip key={one} value={one} size="sm" radius="md" variant="outline">
                  {t(`trades.${one}`)}
                </Chip>
              ))}
            </Group>
          </Chip.Group>
        )}
      </Field>
      <CallersLanguage value={language} onChange={setLanguage} />
      <Text size="sm" c="dimmed" className="pl-wrap">
        {point ? t('assistants.quick.says', { words: point.greeting }) : t('assistants.tradeTexts.other')}{' '}
        {t('assistants.preview.text')}
      </Text>
      <div>
        <Button loading={make.isPending} onClick={() => make.mutate()}>{t('assistants.create')}</Button>
      </div>
    </Stack>
  )
}

/** The same over what somebody is doing. */
export function QuickAssistantDialog({ onMade, onClose }: { onMade: (made: Made) => void; onClose: () => void }) {
  const t = useT()
  return (
    <Dialog onClose={onClose} title={t('assistants.new')} size="lg">
      <QuickAssistant onMade={onMade} />
    </Dialog>
  )
}
