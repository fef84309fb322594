// Package early sets how much garbage a start may make before Go looks for it.
//
// It imports next to nothing, so that Go initializes it before most libraries:
// what they make while they are initialized would set off a collection in the
// middle of the start.
package early

import (
	"os"
	"runtime/debug"
)

// Percent is GOGC during a start. A start makes little garbage, and with Go's own
// 100 a tenth of its time went into looking for it.
const Percent = 400

// Ours tells whether GOGC is ours to choose: the operator did not.
var Ours = begin()

func begin() bool {
	if os.Getenv("GOGC") != "" {
		return false
	}
	debug.SetGCPercent(Percent)
	return true
}
