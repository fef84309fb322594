import { Notifications } from '@mantine/notifications'
import '@mantine/notifications/styles.layer.css'

/** Where toasts appear, away from the bar of a changed form and the phone's bottom bar; loaded after the page, as nothing can be said before something was done. */
export function Toasts() {
  return <Notifications position="top-center" limit={4} />
}
