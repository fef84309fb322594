import { lazy, type ComponentType, type LazyExoticComponent } from 'react'
import { look, onReach } from './reach'

/**
 * A page's code did not come: the network is away, or a newer version was installed and the file is gone. An error of its own, as
 * the router answers the browser's with a reload, which without a network leaves nothing on screen.
 */
export class CodeMissing extends Error {
  constructor(cause: unknown) {
    super('The code of this page did not come.', { cause })
  }
}

/** Reports whether something failed because code, a catalogue or a style sheet did not come. */
export function isCodeMissing(error: unknown): boolean {
  if (error instanceof CodeMissing) return true
  return error instanceof Error && /dynamically imported module|module script failed|preload CSS/i.test(error.message)
}

/** The import of a page: what does not come is a CodeMissing, and whether the server is away is known at once. */
export const code = <M>(load: () => Promise<M>) => async (): Promise<M> => {
  try {
    return await load()
  } catch (error) {
    if (!isCodeMissing(error)) throw error
    await look()
    throw new CodeMissing(error)
  }
}

/** The same for a menu or a dialog: while the server is away it waits, and opens once the server is back. */
export function lazily<P>(load: () => Promise<ComponentType<P>>): LazyExoticComponent<ComponentType<P>> {
  const patient = async (): Promise<{ default: ComponentType<P> }> => {
    try {
      return { default: await load() }
    } catch (error) {
      if (!isCodeMissing(error) || (await look())) throw error
      await new Promise<void>((back) => {
        const off = onReach(() => {
          off()
          back()
        })
      })
      return patient()
    }
  }
  return lazy(patient)
}

// A broken server must not be asked for the whole page again and again.
const ONCE_IN_MS = 60_000
const RELOADED = 'pocketline.reloaded'

/** Loads the page anew, as a newer version has it, unless that was done a moment ago. Reports whether it does. */
export function reloadOnce(): boolean {
  if (Date.now() - Number(sessionStorage.getItem(RELOADED) ?? 0) < ONCE_IN_MS) return false
  sessionStorage.setItem(RELOADED, String(Date.now()))
  window.location.reload()
  return true
}
