import { TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { Search } from 'lucide-react'
import { useRef, useState } from 'react'
import { useT } from '../lib/i18n'
import { useNarrow } from '../lib/narrow'
import { useShortcut } from '../lib/shortcuts'

// Long enough to type a word, short enough not to be waited for.
const PAUSE_MS = 300

/** A search field whose text goes to the address once typing pauses. */
export function SearchInput({
  label,
  value,
  onSearch,
}: {
  label: string
  value: string
  onSearch: (text: string) => void
}) {
  const t = useT()
  const narrow = useNarrow()
  const [typed, setTyped] = useState(value)
  const [known, setKnown] = useState(value)
  // Cleared or gone back to from elsewhere: the field follows the address.
  if (known !== value) {
    setKnown(value)
    if (value !== typed.trim()) setTyped(value)
  }
  const search = useDebouncedCallback(onSearch, PAUSE_MS)
  const input = useRef<HTMLInputElement>(null)
  useShortcut('/', () => input.current?.focus())
  return (
    // Beside the button of the filters there is no room on a phone for all of the label.
    <TextInput ref={input} type="search" aria-label={label} placeholder={narrow ? t('filters.search') : label} value={typed}
      leftSection={<Search size={16} aria-hidden />}
      style={{ flex: narrow ? '1 1 9rem' : '1 1 11rem' }} maw={narrow ? undefined : 360}
      onChange={(event) => {
        setTyped(event.currentTarget.value)
        search(event.currentTarget.value.trim())
      }} />
  )
}
