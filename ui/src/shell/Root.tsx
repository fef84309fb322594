import { Anchor, Container } from '@mantine/core'
import { Link, Outlet, type ErrorComponentProps } from '@tanstack/react-router'
import { Compass } from 'lucide-react'
import { Suspense, lazy } from 'react'
import { ConfirmHost } from '../components/confirm'
import { EmptyState, ErrorState } from '../components/States'
import { useT } from '../lib/i18n'
import { useIdle } from './idle'

const Toasts = lazy(() => import('../components/Toasts').then((m) => ({ default: m.Toasts })))

export function Root() {
  const idle = useIdle()
  return (
    <>
      <Outlet />
      <ConfirmHost />
      {/* What is said before then waits. */}
      {idle && <Suspense><Toasts /></Suspense>}
    </>
  )
}

/** A page that broke or could not load; the shell around it goes on working. */
export function PageError({ error, reset }: ErrorComponentProps) {
  return (
    <ErrorState level={1} error={error} onRetry={() => {
      reset()
      window.location.reload()
    }} />
  )
}

/** The same when the shell itself is what failed. */
export function RouteError(props: ErrorComponentProps) {
  return <Container component="main" size="sm" py="xl"><PageError {...props} /></Container>
}

/** No such page, or none of the person's. */
export function Missing() {
  const t = useT()
  return (
    <EmptyState level={1} icon={Compass} title={t('errors.missing.title')} text={t('errors.missing.cause')}
      action={<Anchor component={Link} to="/">{t('errors.missing.home')}</Anchor>} />
  )
}

export function NotFoundPage() {
  return <Container component="main" size="sm" py="xl"><Missing /></Container>
}
