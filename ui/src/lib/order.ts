/** The column a list is ordered by. */
export interface Order {
  by: string
  descending: boolean
}

/** An order as an address holds it: "name", "-created". */
export const orderOf = (sort: string): Order => ({ by: sort.replace('-', ''), descending: sort.startsWith('-') })

/** The same the other way: what a list is not offered, and its usual order, need no word. */
export function sortOf<S extends string>(order: Order | undefined, sorts: readonly S[], usual?: S): S | undefined {
  const sort = sorts.find((one) => order && one === `${order.descending ? '-' : ''}${order.by}`)
  return sort === usual ? undefined : sort
}

/** Reads an order out of an address; what is none of the list's is left out. */
export const readSort = <S extends string>(raw: unknown, sorts: readonly S[]): S | undefined => sorts.find((one) => one === raw)
