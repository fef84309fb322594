/**
 * A random text of letters and digits nobody can guess, for a key or an id.
 * NB! crypto.randomUUID exists on https and localhost only; people also reach their server by http in their own network.
 */
export function randomId(words = 4): string {
  return [...crypto.getRandomValues(new Uint32Array(words))].map((word) => word.toString(36).padStart(7, '0')).join('')
}
