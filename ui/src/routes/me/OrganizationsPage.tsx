import { Anchor, Avatar, Button, Group, Paper, Stack, Text, ThemeIcon } from '@mantine/core'
import '@mantine/core/styles/ThemeIcon.layer.css'
import { Link } from '@tanstack/react-router'
import { Building2, Lock, LogOut, Plus } from 'lucide-react'
import { EmptyState } from '../../components/States'
import { useT } from '../../lib/i18n'
import { useHere, type Membership } from '../../lib/session'
import { useLeave } from './leave'
import { MeFrame } from './MeFrame'

/** Where the person belongs, and the ways in and out. */
export function OrganizationsPage() {
  const t = useT()
  const { places, closed } = useHere()
  const leave = useLeave()
  const create = (
    <Button component={Link} to="/new" leftSection={<Plus size={16} aria-hidden />}>
      {t('agency.new.title')}
    </Button>
  )
  return (
    <MeFrame title={t('profile.tabs.organizations')} text={t('profile.organizations.text')} actions={create}>
      {() =>
        places.length + closed.length === 0 ? (
          <Paper withBorder>
            <EmptyState
              icon={Building2}
              title={t('profile.organizations.none')}
              text={t('profile.organizations.noneText')}
              action={create}
            />
          </Paper>
        ) : (
          <Stack gap="sm" component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
            {places.map((place) => (
              <Paper key={place.id} component="li" withBorder p="md" bg="var(--pl-surface)">
                <Group justify="space-between" gap="sm">
                  <Group gap="sm" wrap="nowrap" miw={0}>
                    <Avatar size={36} radius="sm" color="teal" name={place.expand.organization.name} aria-hidden />
                    <Stack gap={0} miw={0}>
                      <Anchor
                        component={Link}
                        to="/o/$org"
                        params={{ org: place.organization } as never}
                        fw={600}
                        size="sm"
                        className="pl-wrap"
                      >
                        <bdi>{place.expand.organization.name}</bdi>
                      </Anchor>
                      <Text size="sm" c="dimmed">
                        {t(`roles.${place.role}`)}
                      </Text>
                    </Stack>
                  </Group>
                  <Button
                    size="xs"
                    variant="default"
                    leftSection={<LogOut size={14} aria-hidden />}
                    loading={leave.busy}
                    aria-label={t('profile.organizations.leaveOne', { name: place.expand.organization.name })}
                    onClick={() => void leave.ask(place.expand.organization)}
                  >
                    {t('profile.organizations.leave')}
                  </Button>
                </Group>
              </Paper>
            ))}
            {closed.map((membership) => <ClosedPlace key={membership.id} membership={membership} />)}
          </Stack>
        )}
    </MeFrame>
  )
}

/** An organization that keeps the person out for now: its page says why and what to do. */
function ClosedPlace({ membership: { organization, role, closed: why } }: { membership: Membership }) {
  const t = useT()
  return (
    <Paper component="li" withBorder p="md" bg="var(--pl-surface)">
      <Group gap="sm" wrap="nowrap" miw={0}>
        <ThemeIcon size={36} radius="sm" variant="light" color="gray"><Lock size={18} aria-hidden /></ThemeIcon>
        <Stack gap={0} miw={0}>
          <Anchor component={Link} to="/o/$org" params={{ org: organization } as never} fw={600} size="sm">
            {t('shell.closed')}
          </Anchor>
          <Text size="sm" c="dimmed" className="pl-wrap">
            {t(`roles.${role}`)}
            {why && ` · ${t(`shell.why.${why}`)}`}
          </Text>
        </Stack>
      </Group>
    </Paper>
  )
}
