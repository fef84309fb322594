import { RecordSync } from '../../components/RecordSync'
import type { NumberRow } from './data'
import { told } from './form'
import { NumberStatus } from './NumberStatus'

/** What a number is doing and whether its copy is equal, as far as both are worth a word; `wrong`: the copy only when it is not. */
export function NumberStates({ row, canRetry, wrong = false }: { row: NumberRow; canRetry: boolean; wrong?: boolean }) {
  const { status, sync } = told(row)
  return (
    <>
      {status && <NumberStatus status={row.status} />}
      {sync && !(wrong && row.sync_status === 'synced') && <RecordSync collection="phone_numbers" row={row} canRetry={canRetry} />}
    </>
  )
}
