// What the product mails, as the journey reads it.

/** Mails that open something; others tell what happened, and nobody here waits for them. */
export const OPENS = /\/(accept-invite|verify|confirm-email|reset)#token=/

/** The link to a page from the mail that brings it; the mail must lead to this server and say what it should. */
export async function linkTo(world, address, page, says = []) {
  const mail = await world.mail.mail(address, (message) => message.links.some((link) => link.includes(page)))
  const links = mail.links.filter((link) => OPENS.test(link))
  if (links.length !== 1 || !links[0].startsWith(world.desk.base + page)) throw new Error(`the mail "${mail.subject}" leads to ${links.map((link) => link.slice(0, 60)).join(' and ')}`)
  for (const what of says) if (!mail.html.includes(what)) throw new Error(`the mail "${mail.subject}" does not say ${what}`)
  if (!mail.text.trim()) throw new Error(`the mail "${mail.subject}" has no plain text`)
  return links[0]
}

/** The code somebody was mailed. */
export async function mailedCode(world, address) {
  return (await world.mail.mail(address, (message) => message.code && !message.links.some((link) => link.includes('/o/')))).code
}
