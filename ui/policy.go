package ui

import "strings"

// directives of the dashboard's Content-Security-Policy, in the order they are sent. NONCE
// stands for the page's own nonce.
var directives = [][2]string{
	{"default-src", "'none'"},
	{"script-src", "'self' 'nonce-NONCE'"},
	{"style-src", "'self' 'nonce-NONCE'"},
	{"img-src", "'self' data: blob:"},
	{"font-src", "'self'"},
	{"media-src", "'self' blob:"},
	{"connect-src", "'self'"},
	{"manifest-src", "'self'"},
	{"worker-src", "'self'"},
	{"frame-src", "'self'"},
	{"base-uri", "'none'"},
	{"form-action", "'self'"},
	{"frame-ancestors", "'none'"},
}

// webcallExtras is what the browser test call needs on top: its sound travels through Daily's servers. It is shown in a
// frame of our own pages, hence its frame-ancestors.
var webcallExtras = map[string]string{
	"script-src":  " https://c.daily.co",
	"connect-src": " https://*.daily.co wss://*.daily.co",
}

func dashboardPolicy(nonce string) string { return policy(nonce, nil) }

func webcallPolicy(nonce string) string {
	return strings.Replace(policy(nonce, webcallExtras), "frame-ancestors 'none'", "frame-ancestors 'self'", 1)
}

func policy(nonce string, extras map[string]string) string {
	parts := make([]string, len(directives))
	for i, d := range directives {
		parts[i] = d[0] + " " + d[1] + extras[d[0]]
	}
	return strings.ReplaceAll(strings.Join(parts, "; "), "NONCE", nonce)
}

// notBuilt is answered in place of the dashboard by a binary that was built without it.
var notBuilt = []byte(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pocketline: dashboard not built</title>
<style nonce="__CSP_NONCE__">
:root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif; }
body { max-width: 38rem; margin: 12vh auto; padding: 0 1.5rem; }
code { padding: .15em .4em; border-radius: .3em; background: color-mix(in srgb, currentColor 10%, transparent); }
</style>
</head>
<body>
<main>
<h1>The dashboard was not built</h1>
<p>The server is running and its API answers, but this binary was compiled before the dashboard's files existed.</p>
<p>With Node 20.19 or newer installed, run <code>make run</code> to build and start everything, or <code>make ui</code>
and then build the binary again.</p>
<p>The operator's panel is at <a href="/_/">/_/</a>.</p>
</main>
</body>
</html>
`)
