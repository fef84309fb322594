import { Avatar, Button, FileButton, Group, Stack, Text, type AvatarProps } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { ImageUp, Trash2 } from 'lucide-react'
import type { ReactNode } from 'react'
import { useT } from '../lib/i18n'
import { pictureProblem } from './picture'
import { failed } from './toast'

/** A picture and what changes it. It acts at once: a picture has nothing to save with the rest. */
export function PictureField({ name, src, has, choose, remove, hint, writable = true, radius, onSave }: {
  /** Whose it is: the first letters stand in for it. */
  name: string
  src: string | undefined
  /** There is one to remove. */
  has: boolean
  /** What the buttons say. */
  choose: string
  remove: string
  hint?: ReactNode
  writable?: boolean
  radius?: AvatarProps['radius']
  /** Stores the new one, or none. */
  onSave: (picture: File | null) => Promise<unknown>
}) {
  const t = useT()
  const save = useMutation({ mutationFn: onSave, onError: (error) => failed(pictureProblem(error, t)) })
  return (
    <Group gap="md">
      <Avatar size={64} color="teal" name={name} alt="" src={src} {...(radius && { radius })} />
      {writable && (
        <Stack gap={6}>
          <Group gap="xs">
            <FileButton accept="image/png,image/jpeg,image/webp" onChange={(file) => file && save.mutate(file)}>
              {(props) => (
                <Button
                  {...props}
                  variant="default"
                  loading={save.isPending}
                  leftSection={<ImageUp size={16} aria-hidden />}
                >
                  {choose}
                </Button>
              )}
            </FileButton>
            {has && (
              <Button
                variant="subtle"
                color="gray"
                leftSection={<Trash2 size={16} aria-hidden />}
                disabled={save.isPending}
                onClick={() => save.mutate(null)}
              >
                {remove}
              </Button>
            )}
          </Group>
          <Text size="xs" c="dimmed">{t('picture.rule')}{hint && <> {hint}</>}</Text>
        </Stack>
      )}
    </Group>
  )
}
