import { SegmentedControl } from '@mantine/core'
import { Field } from '../../components/Field'
import { useT, type Language } from '../../lib/i18n'

/** The language of the callers of a new assistant. */
export function CallersLanguage({ value, onChange }: { value: Language; onChange: (language: Language) => void }) {
  const t = useT()
  return (
    <Field label={t('assistants.from.language')}>
      {(ids) => (
        <div>
          <SegmentedControl
            {...ids}
            value={value}
            data={[
              { value: 'fr', label: 'Français' },
              { value: 'en', label: 'English' },
            ]}
            onChange={(language) => onChange(language as Language)}
          />
        </div>
      )}
    </Field>
  )
}
