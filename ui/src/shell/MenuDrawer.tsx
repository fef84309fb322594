import { Drawer } from '@mantine/core'
import '@mantine/core/styles/Drawer.layer.css'
import { useFocusBack } from '../lib/focus'
import { useT } from '../lib/i18n'
import type { Area } from './areas'
import classes from './Shell.module.css'
import { SideBar } from './SideBar'

/** The left bar of narrow screens. */
export function MenuDrawer({ opened, onClose, areas }: { opened: boolean; onClose: () => void; areas: Area[] }) {
  const t = useT()
  useFocusBack(opened)
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      size={288}
      padding={0}
      withCloseButton={false}
      aria-label={t('shell.menu')}
      classNames={{ body: classes.drawer }}
    >
      <SideBar areas={areas} onClose={onClose} />
    </Drawer>
  )
}
