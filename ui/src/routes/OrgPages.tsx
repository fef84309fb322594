import { Outlet } from '@tanstack/react-router'
import { useHere } from '../lib/session'
import { Missing } from '../shell/Root'

/** The pages of one organization, for its members; for anybody else it does not exist. */
export function OrgPages() {
  const { place } = useHere()
  return place ? <Outlet /> : <Missing />
}
