import { TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { Search } from 'lucide-react'
import { useState } from 'react'

// Long enough to type a word, short enough not to be waited for.
const PAUSE_MS = 300

/** A search field whose text goes to the address once typing pauses. */
export function SearchInput({ label, value, onSearch }: { label: string; value: string; onSearch: (text: string) => void }) {
  const [typed, setTyped] = useState(value)
  const [known, setKnown] = useState(value)
  // Cleared or gone back to from elsewhere: the field follows the address.
  if (known !== value) {
    setKnown(value)
    if (value !== typed.trim()) setTyped(value)
  }
  const search = useDebouncedCallback(onSearch, PAUSE_MS)
  return (
    <TextInput type="search" aria-label={label} placeholder={label} value={typed} leftSection={<Search size={16} aria-hidden />} style={{ flex: '1 1 14rem' }} maw={360}
      onChange={(event) => {
        setTyped(event.currentTarget.value)
        search(event.currentTarget.value.trim())
      }} />
  )
}
