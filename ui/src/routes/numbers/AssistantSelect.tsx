import { Select, type SelectProps } from '@mantine/core'
import { useT } from '../../lib/i18n'
import { useOptions } from '../../lib/record'
import { useOrg } from '../../lib/session'
import { choiceFields, type AssistantChoice } from './data'

/** Who answers; empty is nobody. */
export function AssistantSelect(props: Omit<SelectProps, 'data' | 'clearable'>) {
  const t = useT()
  const org = useOrg()
  const assistants = useOptions<AssistantChoice>(org, 'assistants', choiceFields, 'name')
  return (
    <Select placeholder={t('numbers.nobody')} searchable clearable clearButtonProps={{ 'aria-label': t('numbers.nobodyAnswers') }} nothingFoundMessage={t('palette.nothing')}
      // Until the names are here the field would show nothing for a number that has an assistant.
      disabled={assistants.isPending}
      data={(assistants.data ?? []).map((one) => ({ value: one.id, label: one.status === 'active' ? one.name : t('numbers.notActive', { name: one.name }) }))}
      {...props} />
  )
}
