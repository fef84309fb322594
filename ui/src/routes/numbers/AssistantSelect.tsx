import type { SelectProps } from '@mantine/core'
import { useState } from 'react'
import { RecordSelect } from '../../components/RecordSelect'
import { useT } from '../../lib/i18n'
import { useOptions } from '../../lib/record'
import { useHere, useOrg } from '../../lib/session'
import { QuickAssistantDialog } from '../assistants/QuickAssistant'
import { choiceFields, type AssistantChoice } from './data'

/** Who answers; empty is nobody. Where there is no assistant yet, one is made in place and chosen. */
export function AssistantSelect({ onChange, ...props }: Omit<SelectProps, 'data' | 'clearable' | 'onChange'> & {
  onChange: (id: string | null) => void
}) {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const [making, setMaking] = useState(false)
  const assistants = useOptions<AssistantChoice>(org, 'assistants', choiceFields, 'name')
  return (
    <>
      <RecordSelect
        placeholder={t('numbers.nobody')}
        searchable
        clearable
        clearButtonProps={{ 'aria-label': t('numbers.nobodyAnswers') }}
        data={assistants.data?.map((one) => ({
          value: one.id,
          label: one.status === 'active' ? one.name : t('numbers.notActive', { name: one.name }),
        }))}
        empty={t('assistants.empty.title')}
        create={can('assistants.manage') ? { label: t('assistants.new'), open: () => setMaking(true) } : undefined}
        onChange={onChange}
        {...props}
      />
      {making && (
        <QuickAssistantDialog
          onClose={() => setMaking(false)}
          onMade={({ id }) => {
            setMaking(false)
            onChange(id)
          }}
        />
      )}
    </>
  )
}
