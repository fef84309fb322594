import { Group, Paper, Stack, Table, Text } from '@mantine/core'
import { Check, Flag, Minus } from 'lucide-react'
import { Page } from '../../components/Page'
import { Section } from '../../components/Section'
import { Forbidden } from '../../components/States'
import { SubNav } from '../../components/SubNav'
import { useT } from '../../lib/i18n'
import { useNarrow } from '../../lib/narrow'
import { capabilities, can, type Action, type Role } from '../../lib/permissions'
import { useHere } from '../../lib/session'
import { useTeamPages } from './TeamPage'

const roles: readonly Role[] = ['owner', 'admin', 'manager', 'agent', 'viewer', 'developer']
const every = Object.fromEntries(capabilities.map((c) => [c, true]))

// The same table that decides what the dashboard shows, in words.
const rows = [
  ['calls.view', 'callsView'],
  ['calls.place', 'callsPlace'],
  ['inbox.view', 'inboxView'],
  ['inbox.reply', 'inboxReply'],
  ['analytics.view', 'analyticsView'],
  ['assistants.view', 'assistantsView'],
  ['assistants.manage', 'assistantsManage'],
  ['functions.manage', 'functionsManage'],
  ['knowledge.manage', 'knowledgeManage'],
  ['build.manage', 'buildManage'],
  ['integrations.manage', 'integrationsManage'],
  ['numbers.view', 'numbersView'],
  ['numbers.manage', 'numbersManage'],
  ['team.view', 'teamView'],
  ['team.manage', 'teamManage'],
  ['settings.view', 'settingsView'],
  ['settings.manage', 'settingsManage'],
  ['billing.manage', 'billingManage'],
] as const satisfies readonly (readonly [Action, string])[]

/** What each role may do; "with the right" where a flag beside the role decides. */
export function RolesPage() {
  const t = useT()
  const pages = useTeamPages()
  const { can: may } = useHere()
  const narrow = useNarrow()
  if (!may('team.view')) return <Forbidden level={1} />
  return (
    <Page title={t('team.roles.title')} area={t('team.title')} description={t('team.roles.text')}>
      <SubNav label={t('team.title')} pages={pages} />
      {narrow ? <Cards /> : <Matrix />}
      <Text size="sm" c="dimmed">{t('team.roles.owner')}</Text>
    </Page>
  )
}

/** Every role beside every other. */
function Matrix() {
  const t = useT()
  return (
    <Paper withBorder bg="var(--pl-surface)">
      <Table verticalSpacing="xs" horizontalSpacing="md" aria-label={t('team.roles.title')}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{t('team.roles.may')}</Table.Th>
            {roles.map((role) => <Table.Th key={role} scope="col" ta="center">{t(`roles.${role}`)}</Table.Th>)}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(([action, key]) => (
            <Table.Tr key={action}>
              <Table.Th scope="row" fw={450}>{t(`team.may.${key}`)}</Table.Th>
              {roles.map((role) => <Table.Td key={role} ta="center"><Answer role={role} action={action} /></Table.Td>)}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  )
}

/** One role after the other, for phones. */
function Cards() {
  const t = useT()
  return (
    <Stack gap="md">
      {roles.map((role) => (
        <Section key={role} title={t(`roles.${role}`)} text={t(`team.roleTexts.${role}`)}>
          <Stack component="ul" gap={6} m={0} p={0} style={{ listStyle: 'none' }}>
            {rows
              .filter(([action]) => can({ role, ...every }, action))
              .map(([action, key]) => (
                <Group key={action} component="li" gap="xs" wrap="nowrap" align="flex-start">
                  <Answer role={role} action={action} />
                  <Text size="sm">{t(`team.may.${key}`)}</Text>
                </Group>
              ))}
          </Stack>
        </Section>
      ))}
    </Stack>
  )
}

function Answer({ role, action }: { role: Role; action: Action }) {
  const t = useT()
  const [always, flagged] = [can({ role }, action), can({ role, ...every }, action)]
  const [Icon, label, color] = always
    ? ([Check, t('team.roles.yes'), 'var(--mantine-color-anchor)'] as const)
    : flagged
      ? ([Flag, t('team.roles.flag'), 'var(--mantine-color-yellow-light-color)'] as const)
      : ([Minus, t('team.roles.no'), 'var(--mantine-color-dimmed)'] as const)
  return (
    <span style={{ display: 'inline-flex', gap: 4, alignItems: 'center', color }} title={label}>
      <Icon size={16} role="img" aria-label={label} />
      {flagged && !always && <Text span size="xs">{t('team.roles.flagShort')}</Text>}
    </span>
  )
}
