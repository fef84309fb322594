import { Button } from '@mantine/core'
import { Headphones, VolumeX } from 'lucide-react'
import { useCallback, useEffect, useRef, useState } from 'react'
import { fetchFile } from '../../lib/api'
import { problem, type Problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { play } from '../../lib/sound'

// Two calls at once nobody understands: who listens to another one has heard enough of this one.
let silence: (() => void) | undefined

/** Hears a call while it runs, through this server. */
export function useListening(id: string) {
  const t = useT()
  const [state, setState] = useState<'off' | 'opening' | 'on'>('off')
  const [failure, setFailure] = useState<Problem>()
  const ending = useRef<AbortController>(undefined)
  const stop = useCallback(() => ending.current?.abort(), [])
  useEffect(() => stop, [stop])
  const start = async () => {
    silence?.()
    const end = new AbortController()
    ending.current = end
    silence = () => end.abort()
    // Made in the press: a browser lets nothing sound by itself.
    const context = new AudioContext()
    setFailure(undefined)
    setState('opening')
    try {
      const { body } = await fetchFile(`/api/calls/${id}/sound`, { signal: end.signal })
      if (body) await play(context, body, () => setState('on'))
    } catch (error) {
      if (!end.signal.aborted) setFailure(problem(error, t))
    } finally {
      void context.close()
      if (ending.current === end) setState('off')
    }
  }
  return { state, failure, toggle: () => (state === 'off' ? void start() : stop()) }
}

export function ListenButton({ state, toggle }: Pick<ReturnType<typeof useListening>, 'state' | 'toggle'>) {
  const t = useT()
  const off = state === 'off'
  const Icon = off ? Headphones : VolumeX
  return (
    <Button
      variant={off ? 'default' : 'filled'}
      data-listening={state}
      aria-busy={state === 'opening'}
      leftSection={<Icon size={16} aria-hidden />}
      onClick={toggle}
    >
      {t(off ? 'calls.live.listen' : 'calls.live.listenStop')}
    </Button>
  )
}
