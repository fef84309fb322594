package collections

import (
	"crypto/rand"
	"time"
)

const (
	idAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
	idLength   = 15
	idTime     = 10
)

// NewID returns a record id that sorts by creation: ten base-36 characters of
// the time in microseconds, five random ones. Rows of hot tables then land next to
// each other in every index, which is worth 3.7 times the insert rate
// (performance.md 3.2).
func NewID(at time.Time) string {
	var id [idLength]byte
	n := uint64(at.UnixMicro())
	for i := idTime - 1; i >= 0; i-- {
		id[i] = idAlphabet[n%36]
		n /= 36
	}
	var random [idLength - idTime]byte
	rand.Read(random[:]) // never fails (crypto/rand)
	for i, b := range random {
		id[idTime+i] = idAlphabet[int(b)%36]
	}
	return string(id[:])
}

// Ordered are the collections whose ids are made by NewID.
var Ordered = []string{Calls, CallReports, Messages, CallEvents, Recordings, Contacts, ProviderEvents,
	Outbox, UsageEvents, AuditLogs, JobRuns}
