import { lazily } from '../../lib/code'
import { withWords } from '../../lib/i18n'

// What these dialogs lack they make in place, in the words of the pages where it is made.

/** Lets a scripted caller ring (Simulate.tsx). */
export const Simulate = lazily(async () => (await withWords('build', () => import('./Simulate'))()).Simulate)

/** Puts a running call through to a person (TakeOver.tsx). */
export const TakeOver = lazily(async () => (await import('./TakeOver')).TakeOver)

/** Places a call (PlaceCall.tsx). */
export const PlaceCall = lazily(async () => (await withWords('build', () => import('./PlaceCall'))()).PlaceCall)
