import { Anchor, Container } from '@mantine/core'
import { Link, Outlet, type ErrorComponentProps } from '@tanstack/react-router'
import { Building2 } from 'lucide-react'
import { Suspense, useEffect } from 'react'
import { ConfirmHost } from '../components/confirm'
import { EmptyState, ErrorState, Missing } from '../components/States'
import { isCodeMissing, lazily, reloadOnce } from '../lib/code'
import { useT } from '../lib/i18n'
import { look, useReachable } from '../lib/reach'
import { useMe } from '../lib/session'
import { replaceStart } from '../lib/start'
import { useIdle } from './idle'

const SignedIn = lazily(() => import('../frame').then((m) => m.SignedIn))
const Toasts = lazily(() => import('../components/Toasts').then((m) => m.Toasts))

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
export function PageError({ error }: ErrorComponentProps) {
  const reachable = useReachable()
  const missing = isCodeMissing(error)
  // Nothing else may come to be drawn in the place of what boot.js showed.
  useEffect(replaceStart, [])
  // Once the server is there, its present version has the file: after an upgrade, or after the network came back.
  useEffect(() => {
    if (missing && reachable) void look().then((there) => there && reloadOnce())
  }, [missing, reachable])
  return (
    <ErrorState key={String(reachable)} level={1} error={error} onRetry={() => {
      // Without a server the browser would put its own page in the place of ours.
      void look().then((there) => there && window.location.reload())
    }} />
  )
}

/** The same when the shell itself is what failed. */
export function RouteError(props: ErrorComponentProps) {
  return <Container component="main" size="sm" py="xl"><PageError {...props} /></Container>
}

/** In front of an address under /o/ that is no organization of the person's. */
export function NoOrganization() {
  const t = useT()
  return (
    <EmptyState level={1} icon={Building2} title={t('errors.organization.title')} text={t('errors.organization.cause')}
      action={<Anchor component={Link} to="/">{t('errors.missing.home')}</Anchor>} />
  )
}

/** The same inside the frame, which is there already. */
export function NotFoundInside() {
  return <Missing />
}

/** Where no route leads at all: the frame is drawn for whoever has one. */
export function NotFoundPage() {
  const guest = useMe() === null
  if (!guest) return <Suspense><SignedIn><Missing /></SignedIn></Suspense>
  return <Container component="main" size="sm" py="xl"><Missing /></Container>
}
