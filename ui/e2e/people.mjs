// Who is here, who may do what, and what happened: people, organizations and security as persons meet them, with real mail,
// an authenticator app and an account elsewhere. The suite has a server of its own, which begins empty and without mail.
import fs from 'node:fs'
import path from 'node:path'
import { parallel } from './browser.mjs'
import { startDesk } from './desk.mjs'
import { mailbox } from './mailbox.mjs'
import { openid } from './openid.mjs'
import { manyClients } from './people/agency.mjs'
import { apiKey, auditLog, pictures } from './people/admin.mjs'
import { byMail, confirmAddress, elsewhere, forgotten, newAddress, sessions, twoFactor } from './people/identity.mjs'
import { OPENS } from './people/mails.mjs'
import { ROLES, accept, factorForAll, invite, known, mailOn, ownership, renewed, setUp, suspended, threeClients, withoutMail, wrongAccount } from './people/membership.mjs'
import { receptionist } from './people/phone.mjs'
import { Person } from './person.mjs'

// Windows that work at the same time; two cores are busy with three.
const ABREAST = 3

export async function people(browser, _, fail) {
  const steps = []
  const desk = await startDesk({ POCKETLINE_ORGANIZATIONS_PER_PERSON: '40' })
  const world = { browser, desk, mail: await mailbox(), elsewhere: await openid(), complain: (what) => fail(`people: ${what}`), late: fail.late, all: [], clients: [] }
  world.person = (...who) => {
    const one = new Person(world, ...who)
    world.all.push(one)
    return one
  }
  const step = async (name, work, page) => {
    const started = Date.now()
    try {
      const said = await work()
      steps.push(`${[name, said].filter(Boolean).join(': ')}`)
      if (process.env.E2E_TIMES) console.log(`  ${name}: ${Date.now() - started} ms`)
      return true
    } catch (error) {
      const at = typeof page === 'function' ? page() : page
      fail(`people, ${name}: ${error.message.split('\n').slice(0, 4).join(' ')} ${at ? `(${at.url()})` : ''}`)
      const out = path.join(import.meta.dirname, 'out')
      fs.mkdirSync(out, { recursive: true })
      await at?.screenshot({ path: path.join(out, `people-${name.replaceAll(/\W+/g, '-')}.png`), fullPage: true }).catch(() => undefined)
      return false
    }
  }
  try {
    await journey(world, step)
    for (const { subject, to, links } of world.mail.left()) if (links.some((link) => OPENS.test(link))) fail(`people: a mail nobody asked for: ${subject} to ${to.join(', ')}`)
    const pages = world.all.flatMap((one) => one.windows.filter((page) => !page.isClosed()))
    for (const page of pages) for (const what of await page.evaluate(() => window.__seen?.policy ?? [])) fail(`people: refused by the policy: ${what}`)
  } finally {
    await Promise.all(world.all.map((one) => one.close()))
    world.mail.close()
    world.elsewhere.close()
    await desk.stop()
  }
  return steps.join(' · ')
}

async function journey(world, step) {
  const ada = world.person('Ada North', 'ada@north.test')
  await ada.window()
  if (!await step('the first person sets up', () => setUp(ada), ada.page)) return
  const nora = world.person('Nora Bell', 'nora@bell.test')
  if (!await step('invited without mail', () => withoutMail(world, ada, nora), () => nora.page ?? ada.page)) return
  if (!await step('the operator turns mail on', () => mailOn(world))) return
  if (!await step('three clients', () => threeClients(world, ada), ada.page)) return

  const team = Object.fromEntries(Object.keys(ROLES).map((role) => [role, world.person(`${role[0].toUpperCase()}${role.slice(1)} Reed`, `${role}@reed.test`)]))
  const links = {}
  if (!await step('invited by mail', () => invite(world, ada, team, links), ada.page)) return
  await step('sent again and cancelled', () => renewed(world, ada, team, links), ada.page)
  await step('a wrong account is refused', () => wrongAccount(nora, team.agent, links.agent), nora.page)
  await parallel(Object.keys(ROLES), ABREAST, (role) => step(`${role} accepts and sees`, () => accept(world, role, team[role], links[role]), () => team[role].page))
  await step('an account that exists accepts', () => known(world, ada, nora), () => nora.page)

  // What follows are lives of their own. Ada's window goes from page to page meanwhile; what she does by a program needs none.
  const token = await ada.token()
  world.asAda = (method, at, body) => world.desk.ask(method, at, body, token)
  await parallel([
    () => step('a confirmed address', () => confirmAddress(world, nora), nora.page).then(() => step('a new address', () => newAddress(world, nora), nora.page)),
    () => step('an authenticator app', () => twoFactor(world, team.manager), team.manager.page),
    () => step('a code by mail', () => byMail(world, team.viewer), team.viewer.page).then(() => step('a forgotten password', () => forgotten(world, team.viewer), team.viewer.page)),
    () => step('sessions', () => sessions(team.developer), team.developer.page),
    () => step('pictures', () => pictures(ada, world.clients[0]), ada.page).then(() => step('a key for a program', () => apiKey(world, ada), ada.page)).then(() => step('the audit log', () => auditLog(world, ada), ada.page)),
    () => step('the receptionist', () => receptionist(world), () => world.chloe?.page),
    () => step('thirty clients', () => manyClients(world), () => world.iris?.page),
    () => step('an account elsewhere', () => elsewhere(world, ada), () => world.grace?.page),
  ], ABREAST, (work) => work())

  await step('suspended', () => suspended(world, ada, team.agent), team.agent.page)
  await step('ownership', () => ownership(world, ada, nora), ada.page)
  await step('everybody needs a second factor', () => factorForAll(world, team.owner, team.admin), () => team.admin.page)
}
