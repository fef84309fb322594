// A mail server for the checks: takes every mail on loopback, reads it as a mail program would, and hands it out.
import net from 'node:net'

/** How long a mail may take: invitations leave through the outbox, which looks once in a while. */
const MAIL_MS = 120_000

/**
 * Starts the server. `mail(address, wanted)` waits for the next mail to an address that is wanted; what was handed out is
 * not handed out again.
 */
export async function mailbox() {
  const waiting = []
  const asking = []
  const server = net.createServer((socket) => converse(socket, (message) => {
    const at = asking.findIndex((one) => one.fits(message))
    if (at < 0) waiting.push(message)
    else asking.splice(at, 1)[0].take(message)
  }))
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  return {
    port: server.address().port,
    mail(address, wanted) {
      const fits = (message) => message.to.includes(address.toLowerCase()) && wanted(message)
      const at = waiting.findIndex(fits)
      if (at >= 0) return Promise.resolve(waiting.splice(at, 1)[0])
      return new Promise((take, refuse) => {
        const timer = setTimeout(() => refuse(new Error(`no such mail to ${address} within ${MAIL_MS / 1000} s; there are ${waiting.map((m) => `"${m.subject}"`).join(', ') || 'none'}`)), MAIL_MS)
        asking.push({ fits, take: (message) => { clearTimeout(timer); take(message) } })
      })
    },
    /** What nobody asked for. */
    left: () => waiting,
    close: () => server.close(),
  }
}

/** One SMTP conversation (RFC 5321), as far as a client needs it that neither encrypts nor signs in. */
function converse(socket, deliver) {
  let [rest, from, to, body] = ['', '', [], null]
  const say = (line) => socket.write(`${line}\r\n`)
  socket.setEncoding('latin1')
  socket.on('error', () => socket.destroy())
  say('220 e2e.test ESMTP')
  socket.on('data', (chunk) => {
    rest += chunk
    for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
      const line = rest.slice(0, end)
      rest = rest.slice(end + 2)
      if (body) {
        if (line !== '.') body.push(line.startsWith('.') ? line.slice(1) : line)
        else {
          deliver({ from, to, ...readMail(body.join('\r\n')) })
          body = null
          say('250 taken')
        }
        continue
      }
      const address = /<([^<>]*)>/.exec(line)?.[1].toLowerCase()
      switch (line.slice(0, 4).toUpperCase()) {
        case 'EHLO': say('250-e2e.test\r\n250 8BITMIME'); break
        case 'HELO': case 'NOOP': say('250 e2e.test'); break
        case 'MAIL': [from, to] = [address ?? '', []]; say('250 sender'); break
        case 'RCPT': to.push(address); say('250 recipient'); break
        case 'DATA': body = []; say('354 end with a dot'); break
        case 'RSET': [from, to] = ['', []]; say('250 reset'); break
        case 'QUIT': say('221 bye'); socket.end(); break
        default: say('502 not here')
      }
    }
  })
}

/** Subject, text, HTML, links and code of a mail (RFC 2045 to 2047). */
export function readMail(raw) {
  const { headers, body } = split(raw)
  const parts = leaves(headers, body)
  const of = (type) => parts.find((part) => part.type === type)?.text ?? ''
  const [text, html] = [of('text/plain'), of('text/html')]
  const links = [...`${html.replaceAll('&amp;', '&')}\n${text}`.matchAll(/https?:\/\/[^\s"'<>)]+/g)].map((m) => m[0])
  return {
    subject: words(headers.subject ?? ''), text, html, links: [...new Set(links)],
    code: /\b\d{8}\b/.exec(text || html.replaceAll(/<[^>]*>/g, ' '))?.[0],
  }
}

function split(raw) {
  const end = raw.indexOf('\r\n\r\n')
  const head = (end < 0 ? raw : raw.slice(0, end)).replaceAll(/\r\n[ \t]+/g, ' ')
  const headers = Object.fromEntries(head.split('\r\n').map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]))
  return { headers, body: end < 0 ? '' : raw.slice(end + 4) }
}

function leaves(headers, body) {
  const type = headers['content-type'] ?? 'text/plain'
  const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1]
  if (!boundary) return [{ type: type.split(';')[0].trim().toLowerCase(), text: decode(headers['content-transfer-encoding'], body).toString('utf8') }]
  return body.split(`--${boundary}`).slice(1).filter((part) => !part.startsWith('--')).flatMap((part) => {
    const inner = split(part.replace(/^\r\n/, ''))
    return leaves(inner.headers, inner.body)
  })
}

function decode(encoding = '', body) {
  if (/base64/i.test(encoding)) return Buffer.from(body, 'base64')
  if (!/quoted-printable/i.test(encoding)) return Buffer.from(body, 'latin1')
  return Buffer.from(body.replaceAll(/=\r\n/g, '').replaceAll(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))), 'latin1')
}

/** =?utf-8?q?…?= in a header. */
function words(text) {
  return text.replaceAll(/\?=\s+=\?/g, '?==?').replaceAll(/=\?[^?]+\?([bq])\?([^?]*)\?=/gi, (_, how, word) =>
    decode(how.toLowerCase() === 'b' ? 'base64' : 'quoted-printable', how.toLowerCase() === 'b' ? word : word.replaceAll('_', ' ')).toString('utf8'))
}
