import { Navigate } from '@tanstack/react-router'
import { areaPath, useOrg } from '../lib/session'
import { useAreas } from '../shell/areas'

/** /o/$org leads to the first area the person may see. */
export function FirstArea() {
  const org = useOrg()
  const first = useAreas()[0]
  return <Navigate to={first ? areaPath(org, first.path) : '/me'} replace />
}
