package vitals

import (
	"errors"
	"strings"

	"github.com/pocketbase/pocketbase/tools/router"
)

// SaysMalformed is what SQLite says of damage. Its errors reach us as text, through
// several layers.
const SaysMalformed = "database disk image is malformed"

const (
	saysForeign = "file is not a database"
	saysFull    = "database or disk is full"
	saysBroken  = "disk I/O error"
)

// DiskFull tells whether an error is the disk's lack of room, also one that an
// answer of PocketBase's covers.
func DiskFull(err error) bool {
	if err == nil {
		return false
	}
	return SaysDiskFull(CauseOf(err).Error()) || SaysDiskFull(err.Error())
}

// SaysDiskFull tells the same of an error's text.
func SaysDiskFull(text string) bool {
	return strings.Contains(text, saysFull) || strings.Contains(text, "no space left on device")
}

// Damaged tells whether an error is damage in the database's file.
func Damaged(err error) bool { return err != nil && saysDamaged(err.Error()) }

func saysDamaged(text string) bool {
	return strings.Contains(text, SaysMalformed) || strings.Contains(text, saysForeign)
}

// DamagedFor tells the same of what a request ended with, also one that an answer of
// PocketBase's covers. It has to be SQLite's own error: a text may be the visitor's.
func DamagedFor(err error) bool {
	var own interface {
		error
		Code() int
	}
	return errors.As(CauseOf(err), &own) && saysDamaged(own.Error())
}

// CauseOf is what an answer of PocketBase's covers, else the error itself.
func CauseOf(err error) error {
	var answer *router.ApiError
	if errors.As(err, &answer) {
		if inner, ok := answer.RawData().(error); ok {
			return inner
		}
	}
	return err
}

// Remedy says what an error of the database means for whoever runs the program,
// and what to do; "" when it is none of the disk's or the file's.
func Remedy(text string) string {
	switch {
	case strings.Contains(text, SaysMalformed), strings.Contains(text, saysForeign):
		return "data.db is damaged: stop the server, keep a copy of the data directory and restore the newest backup (docs/backup.md)"
	case SaysDiskFull(text):
		return "the disk of the data directory is full: make room; nothing has to be restarted"
	case strings.Contains(text, saysBroken):
		return "the disk of the data directory fails: look at the machine's log, move the directory to a sound disk"
	}
	return ""
}
