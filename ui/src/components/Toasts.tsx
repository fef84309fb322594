import { Notifications } from '@mantine/notifications'
import '@mantine/notifications/styles.layer.css'

/** Where toasts appear; loaded after the page, as nothing can be said before something was done. */
export function Toasts() {
  return <Notifications position="bottom-right" limit={4} />
}
