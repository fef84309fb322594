import { Modal, type ModalProps } from '@mantine/core'
import { useFocusBack } from '../lib/focus'
import { useT } from '../lib/i18n'

/**
 * A dialog that is open for as long as it is drawn. Afterwards the focus is where it was before. `held`: what it began
 * cannot be given up by closing it.
 */
export function Dialog({
  held = false,
  onClose,
  ...props
}: Omit<ModalProps, 'opened' | 'closeButtonProps'> & { held?: boolean }) {
  const t = useT()
  useFocusBack()
  return (
    <Modal
      opened
      onClose={held ? () => undefined : onClose}
      closeButtonProps={{ 'aria-label': t('actions.close'), disabled: held }}
      {...props}
    />
  )
}
