// Package reach says what became of a call for who rang and who was rung: whether
// it was answered, and whether it was missed. The columns answered and missed of
// calls hold what it says; figures, lists and mails read the columns.
package reach

import "github.com/pocketline/pocketline/collections"

// Call is what decides. The texts are values of the columns of the same name.
type Call struct {
	Direction, Channel, Outcome string
	Over                        bool
	Test                        bool
	// Connected says that it was picked up, by whomever or whatever.
	Connected bool
	// Silent says that everything that was said is known, and that the other side
	// said nothing.
	Silent bool
	// Untaken says that it was handed to people of whom nobody took it.
	Untaken bool
	// Written says that a person wrote it down: no provider knows it.
	Written bool
}

// Answered tells whether the assistant or a person spoke with the other side. A
// machine that picks up is not the other side, and neither is a line on which
// nobody says a word. What breaks off later was answered.
func (c Call) Answered() bool {
	switch c.Outcome {
	case collections.OutcomeTransferred:
		return true // somebody took it, or the telephone network did
	case collections.OutcomeVoicemail:
		return false
	case collections.OutcomeNoAnswer:
		if !c.Untaken {
			return false // it was them who did not answer, and not whom it was handed to
		}
	case collections.OutcomeCompleted:
		if c.Written {
			return true
		}
	}
	return c.Connected && !c.Silent
}

// Missed tells whether somebody rang in vain: a call that came in over the telephone
// network, is over, and was not answered, or was handed to people of whom nobody
// took it. Tests are never missed.
func (c Call) Missed(answered bool) bool {
	rang := c.Over && c.Direction == collections.Inbound && c.Channel == collections.ChannelPhone && !c.Test
	return rang && (!answered || c.Untaken)
}
