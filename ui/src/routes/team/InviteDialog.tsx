import { Alert, Button, Group, Stack, Text, TextInput, Textarea } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { CircleCheck, CircleX, MailX } from 'lucide-react'
import { useState } from 'react'
import { CopyLine } from '../../components/CopyLine'
import { Dialog } from '../../components/Dialog'
import { field } from '../../components/Field'
import { Pair } from '../../components/Pair'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { limits } from '../../lib/pb-types.gen'
import { useOrg } from '../../lib/session'
import { nameFrom, readAddresses, usualFlags, type Invited, type TeamRole } from './data'
import { Rights, useGranting } from './Rights'

type Outcome = Invited | { email: string; failed: string }

/** Invites one or several people with the same role; says per address what happened. */
export function InviteDialog({ onClose }: { onClose: () => void }) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const { roles, holds } = useGranting()
  const start: TeamRole = roles.includes('agent') ? 'agent' : roles[0]!
  const [role, setRole] = useState<TeamRole>(start)
  const [flags, setFlags] = useState(() => usualFlags(start, holds))
  const [outcomes, setOutcomes] = useState<Outcome[]>()
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: { emails: '', full_name: '', department: '', message: '' },
    validate: {
      emails: (text) => {
        const { addresses, wrong } = readAddresses(text)
        if (wrong.length > 0) return t('team.invite.wrong', { addresses: wrong.join(', ') })
        return addresses.length === 0
          ? t('errors.field.required')
          : addresses.length > 50
            ? t('team.invite.tooMany')
            : null
      },
    },
  })
  const invite = useMutation({
    mutationFn: async (values: typeof form.values) => {
      const { addresses } = readAddresses(values.emails)
      const { department, message } = values
      const name = addresses.length === 1 ? values.full_name.trim() : ''
      const done: Outcome[] = []
      for (const email of addresses) {
        try {
          // One after the other: each is an address of its own, and one that fails must not take the others with it.
          // oxlint-disable-next-line no-await-in-loop
          done.push({
            ...(await api.post<Invited>(
              '/api/team-members',
              { email, full_name: name || nameFrom(email), role, department, message, status: 'invited', ...flags },
              { query: { organization: org } },
            )),
            email,
          })
        } catch (error) {
          const found = problem(error, t)
          done.push({ email, failed: Object.values(found.fields)[0] ?? found.cause })
        }
      }
      return done
    },
    onSuccess: (done) => {
      setOutcomes(done)
      void queries.invalidateQueries({ queryKey: [org, 'memberships'] })
    },
  })
  if (outcomes) {
    return (
      <Dialog onClose={onClose} title={t('team.invite.done')} size="lg">
        <Stack gap="md">
          <Outcomes outcomes={outcomes} />
          <Group justify="flex-end"><Button onClick={onClose} data-autofocus>{t('actions.close')}</Button></Group>
        </Stack>
      </Dialog>
    )
  }
  return (
    <Dialog onClose={onClose} title={t('team.invite.title')} size="lg">
      <form onSubmit={form.onSubmit((values) => invite.mutate(values))} noValidate>
        <Stack gap="md">
          <Textarea
            label={t('team.invite.emails')}
            description={t('team.invite.emailsHint')}
            autosize
            minRows={2}
            maxRows={8}
            spellCheck={false}
            data-autofocus
            {...field(form, 'emails', { required: true })}
          />
          <Rights
            role={role}
            flags={flags}
            onFlags={setFlags}
            onRole={(next) => {
              setRole(next)
              setFlags(usualFlags(next, holds))
            }}
          />
          <Pair>
            <TextInput
              label={t('profile.name')}
              description={t('team.invite.nameHint')}
              {...field(form, 'full_name', limits.invitations.full_name)}
            />
            <TextInput
              label={t('team.department')}
              description={t('team.departmentHint')}
              {...field(form, 'department', limits.invitations.department)}
            />
          </Pair>
          <Textarea
            label={t('team.invite.message')}
            description={t('team.invite.messageHint')}
            autosize
            minRows={2}
            maxRows={6}
            {...field(form, 'message', limits.invitations.message)}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>{t('actions.cancel')}</Button>
            <Button type="submit" loading={invite.isPending}>{t('team.invite.send')}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}

/** What became of each invitation: mailed, a link to hand over and why, or refused. */
export function Outcomes({ outcomes }: { outcomes: readonly Outcome[] }) {
  const t = useT()
  return (
    <Stack gap="sm" role="status">
      {outcomes.map((outcome) => {
        if ('failed' in outcome) {
          return (
            <Alert
              key={outcome.email}
              color="red"
              variant="light"
              icon={<CircleX size={18} aria-hidden />}
              title={outcome.email}
            >
              {outcome.failed}
            </Alert>
          )
        }
        if (outcome.emailSent) {
          return (
            <Alert
              key={outcome.email}
              color="teal"
              variant="light"
              icon={<CircleCheck size={18} aria-hidden />}
              title={outcome.email}
            >
              {t('team.invite.mailed')}
            </Alert>
          )
        }
        return (
          <Alert
            key={outcome.email}
            color="yellow"
            variant="light"
            icon={<MailX size={18} aria-hidden />}
            title={outcome.email}
          >
            <Stack gap="xs">
              <Text size="sm">
                {t('team.invite.noMail')} {t('team.invite.handOver')}
              </Text>
              {outcome.inviteLink && (
                <CopyLine
                  label={t('team.invite.linkFor', { email: outcome.email })}
                  value={outcome.inviteLink}
                  hidden
                />
              )}
            </Stack>
          </Alert>
        )
      })}
    </Stack>
  )
}
