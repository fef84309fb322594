// Every route the browser walk visits. A new screen adds its line here.
//   path     below BASE_URL; a function gets {org, list} and may look up an id: list(collection, filter) → records
//   guest    visited without a session (default: signed in)
//   needs    "setup": only when the server has no account yet
export const routes = [
  { name: 'login', path: '/login', guest: true },
  { name: 'forgot-password', path: '/forgot-password', guest: true },
  { name: 'reset', path: `/reset#token=e30.e30.${'x'.repeat(43)}`, guest: true },
  { name: 'setup', path: '/setup', guest: true, needs: 'setup' },
  { name: 'me', path: '/me' },
  { name: 'home', path: ({ org }) => `/o/${org}/home` },
  { name: 'calls', path: ({ org }) => `/o/${org}/calls` },
  { name: 'calls-filtered', path: ({ org }) => `/o/${org}/calls?search=appointment&call_type=inbound` },
  { name: 'calls-live', path: ({ org }) => `/o/${org}/calls/live` },
  { name: 'call', path: async ({ org, list }) => `/o/${org}/calls/${(await list('calls', `organization='${org}' && has_recording=true`))[0]?.id ?? (await list('calls', `organization='${org}'`))[0]?.id}` },
  { name: 'assistants', path: ({ org }) => `/o/${org}/assistants` },
  { name: 'assistants-no-match', path: ({ org }) => `/o/${org}/assistants?q=nobody-is-called-this` },
  { name: 'assistant-new', path: ({ org }) => `/o/${org}/assistants/new` },
  ...['overview', 'behaviour', 'voice', 'functions', 'handoff', 'privacy'].map((tab) => ({
    name: `assistant-${tab}`, path: async ({ org, list }) => `/o/${org}/assistants/${(await list('assistants', `organization='${org}'`))[0]?.id}?tab=${tab}`,
  })),
  { name: 'functions', path: ({ org }) => `/o/${org}/functions` },
  { name: 'function-new', path: ({ org }) => `/o/${org}/functions/new` },
  { name: 'function', path: async ({ org, list }) => `/o/${org}/functions/${(await list('functions', `organization='${org}'`))[0]?.id}` },
  { name: 'numbers', path: ({ org }) => `/o/${org}/numbers` },
  ...['vapi', 'twilio', 'other'].map((way) => ({ name: `number-new-${way}`, path: ({ org }) => `/o/${org}/numbers/new?way=${way}` })),
  { name: 'number', path: async ({ org, list }) => `/o/${org}/numbers/${(await list('phone_numbers', `organization='${org}'`))[0]?.id}` },
  ...['security', 'sessions', 'organizations'].map((tab) => ({ name: `me-${tab}`, path: `/me/${tab}` })),
  { name: 'register', path: '/register', guest: true },
  { name: 'verify', path: `/verify#token=e30.e30.${'x'.repeat(43)}`, guest: true },
  { name: 'confirm-email', path: `/confirm-email#token=e30.e30.${'x'.repeat(43)}`, guest: true },
  { name: 'team', path: ({ org }) => `/o/${org}/team` },
  { name: 'team-no-match', path: ({ org }) => `/o/${org}/team?q=nobody-is-called-this` },
  { name: 'team-roles', path: ({ org }) => `/o/${org}/team/roles` },
  ...['', '/hours', '/limits', '/security', '/keys', '/audit-log', '/privacy', '/data', '/installation'].map((page) => ({ name: `settings${page.replace('/', '-')}`, path: ({ org }) => `/o/${org}/settings${page}` })),
  { name: 'agency', path: '/agency' },
  { name: 'new-client', path: '/new' },
  { name: 'not-found', path: '/o/nowhere/home' },
]

// B9: something another person changes, and where it must show. `change` edits a record and `shows` is the text that
// proves it; it is put back afterwards.
export const outside = {
  collection: 'assistants',
  field: 'name',
  path: ({ org }) => `/o/${org}/assistants`,
}
