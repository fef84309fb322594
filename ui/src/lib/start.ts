// What /boot.js showed while this code was on its way, the sign-in page or an empty frame, and the change to the real one.

const typed = (root: ParentNode | null) => [...(root?.querySelectorAll<HTMLInputElement>('input[data-path]') ?? [])]

/** Sets a value as if it were typed; React does not hear of one that is only set. */
function type(input: HTMLInputElement, value: string): void {
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')!.set!.call(input, value)
  input.dispatchEvent(new Event('input', { bubbles: true }))
}

/** Takes the early page away, once the real one is drawn and before it is painted. What was typed, chosen or sent goes on. */
export function replaceStart(): void {
  const start = document.getElementById('start')
  if (!start) return
  const before = typed(start)
  const { at, submitted } = start.dataset
  start.remove()
  const after = typed(document.getElementById('root'))
  // After React is done drawing, still before the browser paints.
  queueMicrotask(() => {
    for (const from of before) {
      const to = after.find((input) => input.dataset.path === from.dataset.path)
      if (!to) continue
      if (from.value) type(to, from.value)
      if (from.dataset.path === at) to.focus()
    }
    if (submitted !== undefined) after[0]?.form?.requestSubmit()
  })
}
