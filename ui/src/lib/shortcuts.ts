import { useEffect, useEffectEvent } from 'react'
import { keys, recall } from './prefs'

/** Single keys and two-key sequences ("g h"). Combinations with Ctrl or ⌘ are not handled here and cannot be switched off. */
type Handler = (event: KeyboardEvent) => void

// The second key of a sequence must follow within this time.
const SEQUENCE_MS = 1_200

const handlers = new Map<string, Handler[]>()
let first: { key: string; at: number } | undefined

export function shortcutsEnabled(): boolean {
  return recall(keys.shortcuts) !== 'off'
}

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName) || target.closest('[role="dialog"],[role="menu"],[role="listbox"]') !== null
}

/** Handles one key press; exported for tests. */
export function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
  if (!shortcutsEnabled() || typing(event.target)) {
    first = undefined
    return
  }
  const sequence = first && event.timeStamp - first.at < SEQUENCE_MS ? `${first.key} ${event.key}` : ''
  const found = handlers.get(sequence)?.at(-1) ?? handlers.get(event.key)?.at(-1)
  first = sequence && found ? undefined : { key: event.key, at: event.timeStamp }
  if (!found) return
  event.preventDefault()
  found(event)
}

/** Runs `run` when the key (or "g h" sequence) is pressed outside inputs and dialogs. The last one mounted wins. */
export function useShortcut(combination: string, run: Handler, enabled = true): void {
  const handle = useEffectEvent(run)
  useEffect(() => {
    if (!enabled || !combination) return
    const handler: Handler = (event) => handle(event)
    if (handlers.size === 0) document.addEventListener('keydown', onKey)
    handlers.set(combination, [...(handlers.get(combination) ?? []), handler])
    return () => {
      const left = (handlers.get(combination) ?? []).filter((h) => h !== handler)
      if (left.length > 0) handlers.set(combination, left)
      else handlers.delete(combination)
      if (handlers.size === 0) document.removeEventListener('keydown', onKey)
    }
  }, [combination, enabled])
}
