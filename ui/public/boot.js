// Runs before the first paint: colour scheme and language of this browser, so that nothing flashes; the start of what the
// application will ask for; for guests the sign-in page, as the application will draw it, for others the frame of every page.
;(function () {
  var root = document.documentElement
  var now = Date.now() / 1000
  function read(key) {
    try {
      return localStorage.getItem(key)
    } catch {
      return null // storage is off: the system's choice holds
    }
  }
  function named(name) {
    var meta = document.querySelector('meta[name="' + name + '"]')
    return meta ? meta.content.split(' ') : []
  }

  var theme = read('pocketline.theme')
  if (theme !== 'light' && theme !== 'dark') theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  root.setAttribute('data-mantine-color-scheme', theme)

  var language = read('pocketline.language')
  if (!language) language = /^fr\b/i.test(navigator.language) ? 'fr' : 'en'
  root.lang = language === 'fr' ? 'fr' : 'en'

  // Files the page will need: the code that asks for them is still on its way.
  function files(names) {
    names.forEach(function (name) {
      var link = document.createElement('link')
      var style = name.endsWith('.css')
      link.rel = style ? 'preload' : 'modulepreload'
      if (style) {
        link.as = 'style'
        link.crossOrigin = ''
      }
      link.href = name
      document.head.appendChild(link)
    })
  }

  // Answers the page will need, taken up by lib/early.ts under exactly these addresses.
  var answers = (window.pocketlineEarly = {})
  function ask(path, token) {
    var answer = fetch(path, { headers: token ? { Authorization: token } : {} })
    answer.catch(function () {}) // asked again by the page, which knows what to say about it
    answers[location.origin + path] = answer
  }

  function session() {
    try {
      var stored = JSON.parse(read('pocketline.session'))
      var claims = JSON.parse(atob(stored.token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')))
      return claims.exp > now && stored.record.id ? stored : null
    } catch {
      return null
    }
  }

  // By language; the build puts the page here, see scripts/draw.mjs.
  var drawn = {}

  /** Shows the sign-in page until the application is here; lib/start.ts hands over what was typed. */
  function start() {
    var page = document.createElement('div')
    page.id = 'start'
    page.setAttribute('data-loading', '')
    page.innerHTML = drawn[root.lang]
    var form = page.querySelector('form')
    form.addEventListener('submit', function (event) {
      event.preventDefault()
      page.setAttribute('data-submitted', '')
      form.querySelector('[type=submit]').disabled = true
    })
    page.addEventListener('focusin', function (event) {
      page.dataset.at = event.target.dataset.path || ''
    })
    document.body.insertBefore(page, document.body.firstChild)
    form.querySelector('input').focus()
    answers[location.origin + '/api/desk'].then(function (answer) {
      return answer.clone().json()
    }).then(function (desk) {
      page.querySelectorAll('[data-offer]').forEach(function (offer) {
        var value = desk[offer.dataset.offer]
        offer.hidden = value !== true && value !== 'open'
      })
    }).catch(function () {}) // the application says what is wrong
  }

  /** Shows the frame that stands around every page of somebody signed in, until the application draws it with what is in it. */
  function frame() {
    var page = document.createElement('div')
    page.id = 'start'
    page.setAttribute('data-frame', '')
    page.setAttribute('data-loading', '')
    page.setAttribute('aria-hidden', 'true')
    page.innerHTML = '<div data-part="side"><b><img src="/icon.svg" width="26" height="26" alt="">Pocketline</b>' + '<i></i>'.repeat(6) + '</div><div data-part="top"></div><div data-part="bottom"></div>'
    document.body.insertBefore(page, document.body.firstChild)
  }

  /** Once there is a body to draw in. */
  function draw(what) {
    document.addEventListener('readystatechange', what, { once: true })
  }

  var path = location.pathname
  var me = session()
  files(named('catalogue-' + root.lang))
  ask('/api/desk', me && me.token)
  var inside = /^\/($|o\/|me\b|agency\b|new\b)/.test(path)
  if (!me && drawn[root.lang] && (inside || path === '/login')) {
    draw(start)
    return
  }
  if (!me || !inside) return
  draw(frame)
  files(named('frame'))
  ask('/api/collections/memberships/records?page=1&perPage=1000&skipTotal=1&filter=' + encodeURIComponent('user = "' + me.record.id + '"') + '&expand=organization', me.token)
  var home = path === '/' ? read('pocketline.organization') : (/^\/o\/([a-z0-9]{15})(\/(home\/?)?)?$/.exec(path) || [])[1]
  if (!home || read('pocketline.unheard') === home) return
  files(named('words-' + root.lang))
  ask('/api/organizations/' + home + '/home', me.token)
  ask('/api/organizations/' + home + '/calls?limit=8', me.token)
})()
