// Package ui holds the dashboard: the files Vite builds into dist, and the handler that serves them.
//
// dist is built, not kept in git; only its .gitkeep is. A binary built without Node therefore
// carries an empty dashboard
// and [Handler] answers with a page that says so and how to build it.
package ui

import (
	"embed"
	"io/fs"
)

// "all:" because Vite may emit names that begin with an underscore, which a plain pattern leaves out.
//
//go:embed all:dist
var dist embed.FS

// FS returns the built dashboard, rooted at dist: index.html sits at its top.
// It holds nothing but .gitkeep when the dashboard was not built before the binary.
func FS() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // "dist" is a constant and always embedded: only a broken build gets here
	}
	return sub
}

// Built reports whether fsys holds a dashboard to serve.
func Built(fsys fs.FS) bool {
	_, err := fs.Stat(fsys, indexName)
	return err == nil
}
