import { MantineProvider } from '@mantine/core'
import { act, fireEvent, render, screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { I18nProvider, needWords } from '../lib/i18n'
import { keys, remember } from '../lib/prefs'
import { Player } from './Player'
import { Transcript, type Row } from './Transcript'

const load = vi.fn<() => Promise<Blob>>()
const onTime = vi.fn()
const audio = () => document.querySelector('audio')!
const slider = () => screen.getByRole('slider')

beforeAll(() => needWords('calls'))
beforeEach(() => {
  load.mockReset().mockResolvedValue(new Blob(['sound']))
  onTime.mockReset()
  vi.spyOn(HTMLMediaElement.prototype, 'play').mockImplementation(async function (this: HTMLMediaElement) {
    fireEvent.play(this)
  })
  vi.spyOn(HTMLMediaElement.prototype, 'pause').mockImplementation(function (this: HTMLMediaElement) {
    fireEvent.pause(this)
  })
  URL.createObjectURL = () => 'blob:sound'
  URL.revokeObjectURL = () => undefined
})

const rows: Row[] = [
  { key: 'a', line: { role: 'assistant', who: 'Desk', content: 'Hello', offsetMs: 0 } },
  { key: 'f', card: <p>card</p> },
  { key: 'b', line: { role: 'user', who: 'Ada', content: 'A price, please', offsetMs: 65_000 } },
]

function show() {
  render(
    <MantineProvider><I18nProvider>
      <Player load={load} peaks={{ left: [1, 2], right: [3, 4] }} seconds={60} name="call.wav" onTime={onTime} />
      <textarea aria-label="notes" />
    </I18nProvider></MantineProvider>,
  )
}

/** Presses Play and lets the browser report that the sound is there. */
async function play() {
  await userEvent.click(screen.getByRole('button', { name: 'Play' }))
  await waitFor(() => expect(audio().getAttribute('src')).toBe('blob:sound'))
  fireEvent.loadedMetadata(audio())
  await screen.findByRole('button', { name: 'Pause' })
}

function arrive(seconds: number) {
  audio().currentTime = seconds
  fireEvent.timeUpdate(audio())
}

test('the sound is asked for with the first press, once', async () => {
  show()
  expect(load).not.toHaveBeenCalled()
  await play()
  await userEvent.click(screen.getByRole('button', { name: 'Pause' }))
  await userEvent.click(await screen.findByRole('button', { name: 'Play' }))
  expect(load).toHaveBeenCalledTimes(1)
})

test('where it is can be read and is told', async () => {
  show()
  await play()
  arrive(12.4)
  expect(slider().getAttribute('aria-valuetext')).toBe('0:12 of 1:00')
  expect(onTime.mock.lastCall?.[0]).toBe(12.4)
})

test('arrows seek, brackets change the speed, Space pauses; typing does none of it', async () => {
  show()
  await play()
  arrive(20)
  const user = userEvent.setup()
  ;(document.activeElement as HTMLElement).blur()
  await user.keyboard('{ArrowRight}')
  expect(audio().currentTime).toBe(25)
  await user.keyboard('{ArrowLeft}{ArrowLeft}')
  expect(audio().currentTime).toBe(15)
  await user.keyboard(']')
  expect(audio().playbackRate).toBe(1.25)
  await user.keyboard(' ')
  await screen.findByRole('button', { name: 'Play' })
  await user.click(screen.getByRole('textbox'))
  await user.keyboard(' ]{ArrowRight}')
  expect([audio().currentTime, audio().playbackRate]).toEqual([15, 1.25])
  expect(screen.getByRole('button', { name: 'Play' })).toBeTruthy()
})

test('Space pauses from wherever on the page: a link, the frame of the words, the place of a line', async () => {
  const seek = vi.fn()
  render(
    <MantineProvider><I18nProvider>
      <Player load={load} peaks={{ left: [1, 2], right: [3, 4] }} seconds={60} name="call.wav" />
      <a href="#elsewhere">elsewhere</a>
      <Transcript label="Words" rows={rows} onSeek={seek} />
    </I18nProvider></MantineProvider>,
  )
  for (const focused of [
    () => screen.getByRole('link'),
    () => screen.getByRole('region', { name: 'Words' }),
    () => screen.getByRole('button', { name: 'Play from 1:05' }),
  ]) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, as a person does
    await play()
    act(() => focused().focus())
    fireEvent.keyDown(focused(), { key: ' ' })
    expect(screen.getByRole('button', { name: 'Play' })).toBeTruthy()
  }
  expect(seek).not.toHaveBeenCalled()
})

test('single keys can be switched off; the slider keeps its own', async () => {
  remember(keys.shortcuts, 'off')
  show()
  await play()
  arrive(20)
  ;(document.activeElement as HTMLElement).blur()
  await userEvent.keyboard('{ArrowRight}')
  expect(audio().currentTime).toBe(20)
  act(() => slider().focus())
  await userEvent.keyboard('{PageUp}')
  expect(audio().currentTime).toBe(50)
  await userEvent.keyboard('{End}')
  expect(audio().currentTime).toBe(60)
})

test('a sound that does not come is said, and the next press asks again', async () => {
  load.mockRejectedValueOnce(new Error('away'))
  show()
  await userEvent.click(screen.getByRole('button', { name: 'Play' }))
  expect(await screen.findByRole('alert')).toBeTruthy()
  await play()
  expect(load).toHaveBeenCalledTimes(2)
})

test('the line being said is marked, and a press on a line seeks', async () => {
  const onSeek = vi.fn()
  render(
    <MantineProvider>
      <I18nProvider>
        <Transcript label="Words" rows={rows} current={2} onSeek={onSeek} />
      </I18nProvider>
    </MantineProvider>,
  )
  expect(document.querySelector('[data-current]')?.textContent).toContain('A price, please')
  expect(screen.getAllByRole('listitem').map((item) => item.textContent)).toEqual([
    'Desk0:00Hello',
    'card',
    'Ada1:05A price, please',
  ])
  await userEvent.click(screen.getByText('Hello'))
  await userEvent.click(screen.getByRole('button', { name: 'Play from 1:05' }))
  expect(onSeek.mock.calls).toEqual([[0], [65_000]])
})

test('without a recording lines are only read', () => {
  render(<MantineProvider><I18nProvider><Transcript label="Words" rows={rows} /></I18nProvider></MantineProvider>)
  expect(screen.queryByRole('button')).toBeNull()
})
