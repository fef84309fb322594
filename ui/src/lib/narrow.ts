import { useMediaQuery } from '@mantine/hooks'

/** Whether the screen is a phone's: tables are cards, tabs and filters fold. The style sheets say the same width. */
export function useNarrow(): boolean {
  return useMediaQuery('(max-width: 47.99em)', undefined, { getInitialValueInEffect: false }) ?? false
}
