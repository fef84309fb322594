// An OpenID Connect provider for the checks, on loopback: a page that asks who you are, codes that work once and only with
// the verifier they were asked with (RFC 7636), and what it knows of a person.
import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'

const CLIENT = 'pocketline'
const SECRET = 'a secret between the two'

/** Starts it. `config` is what the operator enters for the provider `oidc`. */
export async function openid() {
  const people = new Map() // address → what it says of the person
  const [codes, tokens] = [new Map(), new Map()]
  const server = http.createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost')
    const say = (status, value, headers = {}) => response.writeHead(status, { 'Content-Type': typeof value === 'string' ? 'text/html' : 'application/json', ...headers }).end(typeof value === 'string' ? value : JSON.stringify(value))
    const refuse = (error) => say(400, { error })
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /authorize': {
        const asked = Object.fromEntries(url.searchParams)
        if (asked.client_id !== CLIENT || asked.response_type !== 'code' || asked.code_challenge_method !== 'S256' || !asked.scope?.split(' ').includes('openid')) return refuse('invalid_request')
        const back = (more) => `${asked.redirect_uri}?${new URLSearchParams({ state: asked.state, ...more })}`
        const links = [...people.keys()].map((address) => {
          const code = randomBytes(12).toString('hex')
          codes.set(code, { address, challenge: asked.code_challenge, redirect: asked.redirect_uri })
          return `<p><a href="${back({ code })}">${address}</a></p>`
        })
        return say(200, `<!doctype html><title>Who are you?</title><h1>Who are you?</h1>${links.join('')}<p><a href="${back({ error: 'access_denied' })}">Nobody</a></p>`.replaceAll('&', '&amp;'))
      }
      case 'POST /token': {
        let body = ''
        request.on('data', (chunk) => { body += chunk })
        request.on('end', () => {
          const sent = Object.fromEntries(new URLSearchParams(body))
          const basic = Buffer.from((request.headers.authorization ?? '').replace('Basic ', ''), 'base64').toString().split(':').map(decodeURIComponent)
          const [id, secret] = sent.client_id ? [sent.client_id, sent.client_secret] : [basic[0], basic[1]?.replaceAll('+', ' ')]
          if (id !== CLIENT || secret !== SECRET) return say(401, { error: 'invalid_client' })
          const code = codes.get(sent.code)
          codes.delete(sent.code)
          const challenge = createHash('sha256').update(sent.code_verifier ?? '').digest('base64url')
          if (!code || code.redirect !== sent.redirect_uri || code.challenge !== challenge) return refuse('invalid_grant')
          const token = randomBytes(12).toString('hex')
          tokens.set(token, code.address)
          say(200, { access_token: token, token_type: 'Bearer', expires_in: 300 })
        })
        return
      }
      case 'GET /userinfo': {
        const person = people.get(tokens.get((request.headers.authorization ?? '').replace('Bearer ', '')))
        return person ? say(200, person) : say(401, { error: 'invalid_token' })
      }
      default: say(404, { error: 'not_found' })
    }
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  const base = `http://127.0.0.1:${server.address().port}`
  return {
    /** Lets somebody sign in here. */
    knows: (address, name) => people.set(address, { sub: createHash('sha256').update(address).digest('hex').slice(0, 20), email: address, email_verified: true, name }),
    config: { name: 'oidc', displayName: 'Elsewhere', clientId: CLIENT, clientSecret: SECRET, authURL: `${base}/authorize`, tokenURL: `${base}/token`, userInfoURL: `${base}/userinfo`, pkce: true },
    base,
    close: () => server.close(),
  }
}
