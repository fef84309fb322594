import { beforeEach, expect, test } from 'vitest'
import { replaceStart } from './start'

const page = '<form><input data-path="email"><input data-path="password" type="password"><button type="submit"></button></form>'
const inRoot = (path: string) => document.querySelector<HTMLInputElement>(`#root [data-path=${path}]`)!

beforeEach(() => {
  document.body.innerHTML = `<div id="start">${page}</div><div id="root">${page}</div>`
})

test('what was typed early stands in the real page, which hears of it, and the focus stays where it was', async () => {
  const start = document.getElementById('start')!
  start.querySelector<HTMLInputElement>('[data-path=password]')!.value = 'secret'
  start.dataset.at = 'password'
  const heard: string[] = []
  document.addEventListener('input', (event) => heard.push((event.target as HTMLInputElement).dataset.path!))
  replaceStart()
  await Promise.resolve()
  expect(document.getElementById('start')).toBeNull()
  expect([inRoot('email').value, inRoot('password').value, heard]).toEqual(['', 'secret', ['password']])
  expect(document.activeElement).toBe(inRoot('password'))
})

test('what was sent early is sent by the real page', async () => {
  document.getElementById('start')!.dataset.submitted = ''
  let sent = 0
  document.querySelector('#root form')!.addEventListener('submit', (event) => {
    event.preventDefault()
    sent++
  })
  replaceStart()
  await Promise.resolve()
  expect(sent).toBe(1)
})

test('another page than sign-in takes its place as well', async () => {
  document.getElementById('root')!.innerHTML = '<h1>Setup</h1>'
  document.getElementById('start')!.dataset.submitted = ''
  replaceStart()
  await Promise.resolve()
  expect(document.body.textContent).toBe('Setup')
})
