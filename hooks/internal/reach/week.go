package reach

// Week are an organization's calls of the last seven days.
type Week struct {
	// Days are how many began on each day of its zone, the oldest first.
	Days [7]int
	// Answered and Missed are calls that came in: what home counts. Calls that were
	// placed are in Days alone.
	Answered, Missed int
	// Open are over and nobody has settled them.
	Open int
	// FailedAt is when the last call that failed began, as it is stored, and Outcome
	// what became of it; both are empty when none did, however long ago.
	FailedAt, Outcome string
}
