package reach

import (
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
)

// verdict is what a table says of a call: answered, and missed when it came in over
// the telephone network.
type verdict struct{ answered, missed bool }

var (
	served   = verdict{answered: true}
	rangDry  = verdict{missed: true}
	leftOver = verdict{answered: true, missed: true} // spoken with, and then taken by nobody
)

// after is what each outcome means: for a call that was connected, for one of which
// nothing was heard from the other side, for one that was never connected, and for
// one that was handed to people who did not take it.
var after = map[string]struct{ connected, silent, never, untaken verdict }{
	"completed":        {served, rangDry, rangDry, leftOver},
	"transferred":      {served, served, served, leftOver},
	"no_answer":        {rangDry, rangDry, rangDry, leftOver},
	"voicemail":        {rangDry, rangDry, rangDry, rangDry},
	"cancelled":        {served, rangDry, rangDry, leftOver},
	"failed_desk":      {served, rangDry, rangDry, leftOver},
	"failed_account":   {served, rangDry, rangDry, leftOver},
	"failed_setup":     {served, rangDry, rangDry, leftOver},
	"failed_telephony": {served, rangDry, rangDry, leftOver},
	"failed_provider":  {served, rangDry, rangDry, leftOver},
	"failed_vapi":      {served, rangDry, rangDry, leftOver},
}

func TestReach_of_every_outcome_direction_and_channel(t *testing.T) {
	if len(after) != len(collections.Outcomes) {
		t.Fatalf("the table has %d outcomes, want %d", len(after), len(collections.Outcomes))
	}
	walked := 0
	for _, outcome := range collections.Outcomes {
		row, ok := after[outcome]
		if !ok {
			t.Errorf("nothing is said of %s", outcome)
		}
		for _, direction := range []string{collections.Inbound, collections.Outbound} {
			for _, channel := range collections.Channels {
				for _, test := range []bool{false, true} {
					of := Call{Direction: direction, Channel: channel, Outcome: outcome, Over: true, Test: test}
					connected, silent, untaken := of, of, of
					connected.Connected = true
					silent.Connected, silent.Silent = true, true
					untaken.Connected, untaken.Untaken = true, true
					for _, one := range []struct {
						how  string
						call Call
						want verdict
					}{
						{"connected", connected, row.connected}, {"silent", silent, row.silent},
						{"never connected", of, row.never}, {"taken by nobody", untaken, row.untaken},
					} {
						walked++
						want := one.want
						want.missed = want.missed && direction == collections.Inbound && channel == collections.ChannelPhone && !test
						answered := one.call.Answered()
						if got := (verdict{answered, one.call.Missed(answered)}); got != want {
							t.Errorf("%s, %s, %s, %s, test %t: got %+v, want %+v", outcome, direction, channel, one.how, test, got, want)
						}
					}
				}
			}
		}
	}
	if want := 11 * 2 * 3 * 2 * 4; walked != want {
		t.Errorf("walked %d, want %d", walked, want)
	}
}

func TestReach_of_a_call_that_goes_on(t *testing.T) {
	for name, one := range map[string]struct {
		call Call
		want bool
	}{
		"rings":              {Call{}, false},
		"is spoken into":     {Call{Connected: true}, true},
		"waits to be placed": {Call{Direction: collections.Outbound}, false},
	} {
		one.call.Channel = collections.ChannelPhone
		if one.call.Direction == "" {
			one.call.Direction = collections.Inbound
		}
		if answered := one.call.Answered(); answered != one.want || one.call.Missed(answered) {
			t.Errorf("%s: got answered %t, missed %t", name, answered, one.call.Missed(answered))
		}
	}
}

// Who writes a call down says what came of it; there may be no length.
func TestReach_of_a_call_a_person_wrote_down(t *testing.T) {
	for _, outcome := range collections.Outcomes {
		c := Call{Direction: collections.Inbound, Channel: collections.ChannelPhone, Over: true}
		c.Outcome, c.Written = outcome, true
		want := slices.Contains([]string{"completed", "transferred"}, outcome)
		if answered := c.Answered(); answered != want || c.Missed(answered) == want {
			t.Errorf("%s: got answered %t, missed %t", outcome, answered, c.Missed(answered))
		}
		c.Connected = true
		want = want || outcome == "cancelled" || strings.HasPrefix(outcome, "failed")
		if answered := c.Answered(); answered != want {
			t.Errorf("%s, with a length: got answered %t", outcome, answered)
		}
	}
}
