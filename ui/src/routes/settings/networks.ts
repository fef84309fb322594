const words = (text: string | undefined) => (text ? text.split(':') : [])

/** An address as bits, to compare: 32 for IPv4, 128 for IPv6; undefined when it is none. */
function bits(address: string): string | undefined {
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)
  if (v4) {
    const parts = v4.slice(1).map(Number)
    return parts.some((p) => p > 255) ? undefined : parts.map((p) => p.toString(2).padStart(8, '0')).join('')
  }
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped) return bits(mapped[1]!)
  if (!/^[\da-f:]+$/i.test(address) || !address.includes(':') || address.split('::').length > 2) return undefined
  const [head = '', tail] = address.split('::')
  const [before, behind] = [words(head), words(tail)]
  const missing = 8 - before.length - behind.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  const all = [...before, ...Array.from({ length: tail === undefined ? 0 : missing }, () => '0'), ...behind]
  return all.every((w) => /^[\da-f]{1,4}$/i.test(w)) ? all.map((w) => Number.parseInt(w, 16).toString(2).padStart(16, '0')).join('') : undefined
}

function prefix(network: string): string | undefined {
  const [address = '', length] = network.split('/')
  const all = bits(address)
  if (!all || (length !== undefined && (!/^\d{1,3}$/.test(length) || Number(length) > all.length))) return undefined
  return length === undefined ? all : all.slice(0, Number(length))
}

/** Reads one network a line ("203.0.113.7", "2001:db8::/48"); what is none is named. */
export function readNetworks(text: string): { networks: string[]; wrong: string[] } {
  const all = [...new Set(text.split(/[\s,;]+/).filter(Boolean))]
  return { networks: all.filter((n) => prefix(n) !== undefined), wrong: all.filter((n) => prefix(n) === undefined) }
}

/** Whether an address is in one of the networks. The server decides; this only warns before it is too late. */
export function admits(networks: readonly string[], address: string): boolean {
  const own = bits(address)
  if (!own) return false
  return networks.some((network) => {
    const start = prefix(network)
    return start !== undefined && bits(network.split('/')[0]!)!.length === own.length && own.startsWith(start)
  })
}
