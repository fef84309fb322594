// Every route the browser walk visits. A new screen adds its line here.
//   path     below BASE_URL; a function gets {org, list} and may look up an id: list(collection, filter) → records
//   guest    visited without a session (default: signed in)
//   needs    "setup": only when the server has no account yet
export const routes = [
  { name: 'login', path: '/login', guest: true },
  { name: 'forgot-password', path: '/forgot-password', guest: true },
  { name: 'reset', path: `/reset/e30.e30.${'x'.repeat(43)}`, guest: true },
  { name: 'setup', path: '/setup', guest: true, needs: 'setup' },
  { name: 'me', path: '/me' },
  { name: 'not-found', path: '/o/nowhere/home' },
]

// B9: something another person changes, and where it must show. `change` edits a record and `shows` is the text that
// proves it; it is put back afterwards.
export const outside = {
  collection: 'assistants',
  field: 'name',
  path: ({ org }) => `/o/${org}/assistants`,
}
