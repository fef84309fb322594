// Package early sets how much garbage a start may make before Go looks for it.
//
// It imports next to nothing, so that Go initializes it before most libraries:
// what they make while they are initialized would set off a collection in the
// middle of the start, and what stays would lie scattered among what went. Package
// runtime/debug itself is initialized after them, whoever imports it.
package early

import (
	"syscall"
	_ "unsafe" // for go:linkname
)

// Percent is GOGC during a start. A start makes little garbage, and with Go's own
// 100 a tenth of its time went into looking for it.
const Percent = 400

// Ours tells whether GOGC is ours to choose: the operator did not.
var Ours = begin()

func begin() bool {
	if set, _ := syscall.Getenv("GOGC"); set != "" {
		return false
	}
	setGCPercent(Percent)
	return true
}

// setGCPercent is all that debug.SetGCPercent calls. The empty file beside this one
// lets the compiler take a function without a body.
//
//go:linkname setGCPercent runtime/debug.setGCPercent
func setGCPercent(percent int32) (before int32)
