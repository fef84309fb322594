import { Anchor, Container } from '@mantine/core'
import { Link, Outlet, type ErrorComponentProps } from '@tanstack/react-router'
import { Compass } from 'lucide-react'
import { Suspense, lazy } from 'react'
import { ConfirmHost } from '../components/confirm'
import { EmptyState, ErrorState } from '../components/States'
import { useT } from '../lib/i18n'

const Toasts = lazy(() => import('../components/Toasts').then((m) => ({ default: m.Toasts })))

export function Root() {
  return (
    <>
      <Outlet />
      <ConfirmHost />
      <Suspense><Toasts /></Suspense>
    </>
  )
}

/** A page that broke or could not load; inside the shell when the shell itself works. */
export function RouteError({ error, reset }: ErrorComponentProps) {
  return (
    <Container component="main" size="sm" py="xl">
      <ErrorState error={error} onRetry={() => {
        reset()
        window.location.reload()
      }} />
    </Container>
  )
}

export function NotFoundPage() {
  const t = useT()
  return (
    <Container component="main" size="sm" py="xl">
      <EmptyState icon={Compass} title={t('errors.missing.title')} text={t('errors.missing.cause')} action={<Anchor component={Link} to="/">{t('errors.missing.home')}</Anchor>} />
    </Container>
  )
}
