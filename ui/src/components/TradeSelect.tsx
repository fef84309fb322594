import { Select, type SelectProps } from '@mantine/core'
import { useT } from '../lib/i18n'
import { trades } from '../lib/pb-types.gen'
import { isTrade } from '../lib/trades'

/** The trade of an organization. One in words of its own stays among the choices. */
export function TradeSelect({ value, ...props }: Omit<SelectProps<string>, 'data' | 'value'> & { value: string }) {
  const t = useT()
  const own = value !== '' && !isTrade(value) ? [{ value, label: value }] : []
  return (
    <Select
      data={[...trades.map((trade) => ({ value: trade as string, label: t(`trades.${trade}`) })), ...own]}
      {...props}
      value={value || null}
    />
  )
}
