import { useEffect, useState, type ReactNode } from 'react'

/** Takes a text to the clipboard; over plain http browsers have none, and copy what is selected. False when neither works. */
async function take(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return selected(text)
  }
}

function selected(text: string): boolean {
  const before = document.activeElement
  const area = document.createElement('textarea')
  area.value = text
  area.readOnly = true
  area.setAttribute('aria-hidden', 'true')
  area.className = 'pl-unseen'
  // Inside a dialog what is outside of it cannot have the focus.
  ;(before?.closest('[role="dialog"]') ?? document.body).append(area)
  area.focus()
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  if (before instanceof HTMLElement) before.focus()
  return done
}

const SAID_MS = 2_000

/** Copies a text, and says for a moment that it has. */
export function CopyButton({ value, children }: {
  value: string
  children: (state: { copied: boolean; copy: () => void }) => ReactNode
}) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), SAID_MS)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = async () => setCopied(await take(value))
  return children({ copied, copy: () => void copy() })
}
