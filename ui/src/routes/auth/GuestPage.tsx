import { Anchor, Box, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useEffect, type ReactNode } from 'react'
import { useLanguage, useT } from '../../lib/i18n'
import { chooseLanguage } from '../../lib/profile'
import { Logo } from '../../shell/Logo'
import classes from './GuestPage.module.css'

const languages = { en: 'English', fr: 'Français' } as const

/** The frame of the pages for guests: product, one card, language. */
export function GuestPage({
  title,
  text,
  children,
  footer,
}: {
  title: string
  text?: ReactNode
  children: ReactNode
  footer?: ReactNode
}) {
  const t = useT()
  const language = useLanguage()
  useEffect(() => {
    document.title = `${title} · ${t('app.name')}`
  }, [title, t])
  return (
    <Box className={classes.page}>
      <main className={classes.main}>
        <Group justify="center" mb="xl"><Logo size={30} /></Group>
        <Paper withBorder radius="lg" className={classes.card}>
          <Stack gap="lg">
            <Stack gap={6}>
              <Title order={1} size="h2" fz="1.375rem">{title}</Title>
              {text !== undefined && <Text c="dimmed" size="sm" component="div">{text}</Text>}
            </Stack>
            {children}
          </Stack>
        </Paper>
        {footer !== undefined && <Text size="sm" ta="center" mt="lg" component="div">{footer}</Text>}
      </main>
      <footer className={classes.footer}>
        <Group justify="center" gap="lg" role="group" aria-label={t('profile.language')}>
          {Object.entries(languages).map(([code, name]) => (
            <Anchor
              key={code}
              component="button"
              type="button"
              size="sm"
              c="dimmed"
              lang={code}
              className={classes.language}
              aria-pressed={language === code}
              onClick={() => void chooseLanguage(code as keyof typeof languages)}
            >
              {name}
            </Anchor>
          ))}
        </Group>
      </footer>
    </Box>
  )
}
