// Package untrusted judges values that come from outside: from a person, from
// a provider, from a caller. It bounds what is nested (JSON, schemas), cleans
// what is one line, and looks at an image's size before anybody decodes it.
//
// The functions are pure. Register holds them against every row that is saved
// and every request, so that a new column or route needs nothing of its own.
package untrusted
