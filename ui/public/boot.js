// Runs before the first paint: colour scheme and language of this browser, so that nothing flashes or is fetched late.
;(function () {
  var root = document.documentElement
  function read(key) {
    try {
      return localStorage.getItem(key)
    } catch {
      return null // storage is off: the system's choice holds
    }
  }
  var theme = read('pocketline.theme')
  if (theme !== 'light' && theme !== 'dark') theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  root.setAttribute('data-mantine-color-scheme', theme)

  var language = read('pocketline.language')
  if (!language) language = /^fr\b/i.test(navigator.language) ? 'fr' : 'en'
  root.lang = language === 'fr' ? 'fr' : 'en'
  var meta = document.querySelector('meta[name="catalogue-' + root.lang + '"]')
  if (meta) {
    var link = document.createElement('link')
    link.rel = 'modulepreload'
    link.href = meta.content
    document.head.appendChild(link)
  }
})()
