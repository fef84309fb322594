import type { ReactNode } from 'react'
import classes from './Pair.module.css'

/** Fields two by two, one below the other on a phone; an error or hint of one moves no label of its neighbour. */
export function Pair({ children }: { children: ReactNode }) {
  return <div className={classes.pair}>{children}</div>
}
