import { render } from '@testing-library/react'
import { expect, test, vi } from 'vitest'
import { useShortcut } from './shortcuts'

function Keys({ run, combination }: { run: () => void; combination: string }) {
  useShortcut(combination, run)
  return <input data-testid="input" />
}

const press = (key: string, target: EventTarget = document.body, options: KeyboardEventInit = {}) =>
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...options }))

test('a sequence runs in order only', () => {
  const run = vi.fn()
  render(<Keys run={run} combination="g c" />)
  press('c')
  press('g')
  press('x')
  press('c')
  expect(run).not.toHaveBeenCalled()
  press('g')
  press('c')
  expect(run).toHaveBeenCalledTimes(1)
})

test('keys typed into inputs, with modifiers, or switched off do nothing', () => {
  const run = vi.fn()
  const { getByTestId } = render(<Keys run={run} combination="j" />)
  press('j', getByTestId('input'))
  press('j', document.body, { ctrlKey: true })
  localStorage.setItem('pocketline.shortcuts', 'off')
  press('j')
  expect(run).not.toHaveBeenCalled()
  localStorage.removeItem('pocketline.shortcuts')
  press('j')
  expect(run).toHaveBeenCalledTimes(1)
})

test('the last one mounted wins, and gives the key back', () => {
  const [outer, inner] = [vi.fn(), vi.fn()]
  render(<Keys run={outer} combination="j" />)
  const { unmount } = render(<Keys run={inner} combination="j" />)
  press('j')
  unmount()
  press('j')
  expect([outer.mock.calls.length, inner.mock.calls.length]).toEqual([1, 1])
})
