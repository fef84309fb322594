import { useEffect } from 'react'
import { useT } from './i18n'
import { isolated } from './strangers'

/**
 * Names the page in the browser's tab and history: what it shows, what that is one of, whose it is. Undefined leaves the name it has.
 */
export function useTitle(title: string | undefined, ...within: (string | undefined)[]): void {
  const t = useT()
  const parts = [title, ...within, t('app.name')].filter((part) => part !== undefined && part !== '')
  // A page that is called like its area or its organization says so once.
  const whole = [...new Set(parts)].map((part) => isolated(part!)).join(' · ')
  useEffect(() => {
    if (title !== undefined) document.title = whole
  }, [title, whole])
}
