package hours

import (
	"testing"
	"time"
	_ "time/tzdata"
)

const working = `{"mon":[{"from":"09:00","to":"12:00"},{"from":"14:00","to":"18:00"}],"tue":[{"from":"09:00","to":"18:00"}],
 "fri":[{"from":"22:00","to":"02:00"}],"sat":[{"from":"00:00","to":"24:00"}],"sun":[{"from":"00:00","to":"06:00"}]}`

func schedule(t testing.TB, zone, week, closures string) Schedule {
	t.Helper()
	s, err := Read(zone, []byte(week), []byte(closures))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpen_tells_whether_why_and_until_when(t *testing.T) {
	const (
		paris, newYork, sydney = "Europe/Paris", "America/New_York", "Australia/Sydney"
		holidays               = `[{"name":"Christmas","from":"2025-12-24","to":"2025-12-26","yearly":true},
			{"name":"Stocktaking","from":"2026-11-09","hours":[{"from":"10:00","to":"11:00"}]},
			{"name":"Holiday week","from":"2026-11-16","to":"2026-11-22"},{"name":"Except","from":"2026-11-17","hours":[{"from":"08:00","to":"09:00"}]},
			{"name":"New Year","from":"2026-12-31","to":"2027-01-02","yearly":true}]`
		night = `{"sat":[{"from":"22:00","to":"03:00"}]}` // over the nights clocks change
		early = `{"sun":[{"from":"02:30","to":"05:00"}]}`
		half  = `{"sun":[{"from":"01:30","to":"01:45"}]}`
	)
	tests := []struct {
		name, zone, week, closures, at string
		open                           bool
		reason, next                   string
	}{
		{"no hours set", paris, ``, ``, "2026-11-20T03:00:00Z", true, Always, ""},
		{"no hours, a closure", paris, `null`, holidays, "2026-12-24T12:00:00Z", false, Closed, "2026-12-26T23:00:00Z"},
		{"no hours, before a closure", paris, `{}`, holidays, "2026-12-20T12:00:00Z", true, Regular, "2026-12-23T23:00:00Z"},
		{"in the first shift", paris, working, ``, "2026-11-23T08:00:00Z", true, Regular, "2026-11-23T11:00:00Z"},
		{"the minute it opens", paris, working, ``, "2026-11-23T13:00:00Z", true, Regular, "2026-11-23T17:00:00Z"},
		{"between split shifts", paris, working, ``, "2026-11-23T11:00:00Z", false, Outside, "2026-11-23T13:00:00Z"},
		{"after work", paris, working, ``, "2026-11-23T17:00:00Z", false, Outside, "2026-11-24T08:00:00Z"},
		{"a day without hours", paris, working, ``, "2026-11-26T12:00:00Z", false, DayOff, "2026-11-27T21:00:00Z"},
		{"Friday night runs on into the whole Saturday and Sunday morning", paris, working, ``, "2026-11-28T00:30:00Z",
			true, Regular, "2026-11-29T05:00:00Z"},
		{"a holiday of every year", paris, working, holidays, "2027-12-24T10:00:00Z", false, Closed, "2027-12-27T08:00:00Z"},
		{"special hours", paris, working, holidays, "2026-11-09T09:30:00Z", true, Special, "2026-11-09T10:00:00Z"},
		{"outside special hours", paris, working, holidays, "2026-11-09T08:30:00Z", false, Outside, "2026-11-09T09:00:00Z"},
		{"the shortest closure wins", paris, working, holidays, "2026-11-17T07:30:00Z", true, Special,
			"2026-11-17T08:00:00Z"},
		{"and the longer one around it", paris, working, holidays, "2026-11-16T10:00:00Z", false, Closed,
			"2026-11-17T07:00:00Z"},
		{"a yearly closure over New Year", paris, working, holidays, "2029-01-01T12:00:00Z", false, Closed,
			"2029-01-05T21:00:00Z"},
		{"a shift into a closed day runs to its end", paris, `{"wed":[{"from":"22:00","to":"02:00"}]}`,
			`[{"from":"2026-11-26"}]`, "2026-11-26T00:30:00Z", true, Regular, "2026-11-26T01:00:00Z"},
		{"never open", paris, `{"mon":[]}`, ``, "2026-11-23T10:00:00Z", false, DayOff, ""},
		{"open round the clock", paris,
			`{"mon":[{"from":"00:00","to":"24:00"}],"tue":[{"from":"00:00","to":"24:00"}],"wed":[{"from":"00:00","to":"24:00"}],"thu":[{"from":"00:00","to":"24:00"}],"fri":[{"from":"00:00","to":"24:00"}],"sat":[{"from":"00:00","to":"24:00"}],"sun":[{"from":"00:00","to":"24:00"}]}`, ``, "2026-11-23T10:00:00Z", true, Regular, ""},
		{"another zone, another day", sydney, working, ``, "2026-11-22T22:30:00Z", true, Regular, "2026-11-23T01:00:00Z"},

		// Paris, 29 March 2026: 02:00 → 03:00 at 01:00 UTC.
		{"spring north: nine stays nine before", paris, working, ``, "2026-03-24T08:00:00Z", true, Regular,
			"2026-03-24T17:00:00Z"},
		{"spring north: nine stays nine after", paris, working, ``, "2026-03-31T07:00:00Z", true, Regular,
			"2026-03-31T16:00:00Z"},
		{"spring north: the night is an hour short", paris, night, ``, "2026-03-29T00:30:00Z", true, Regular,
			"2026-03-29T01:00:00Z"},
		{"spring north: a time that does not exist is the jump", paris, early, ``, "2026-03-29T00:59:59Z",
			false, Outside, "2026-03-29T01:00:00Z"},
		{"spring north: open at the jump", paris, early, ``, "2026-03-29T01:00:00Z", true, Regular, "2026-03-29T03:00:00Z"},
		// Paris, 25 October 2026: 03:00 → 02:00 at 01:00 UTC.
		{"autumn north: the night is an hour long", paris, night, ``, "2026-10-25T01:30:00Z", true, Regular,
			"2026-10-25T02:00:00Z"},
		{"autumn north: begins at the first of two", paris, early, ``, "2026-10-25T00:30:00Z", true, Regular,
			"2026-10-25T04:00:00Z"},
		// New York, 1 November 2026: 02:00 → 01:00 at 06:00 UTC.
		{"autumn west: until the second of two", newYork, half, ``, "2026-11-01T05:50:00Z", true, Regular,
			"2026-11-01T06:45:00Z"},
		{"autumn west: over after the second", newYork, half, ``, "2026-11-01T06:45:00Z", false, Outside,
			"2026-11-08T06:30:00Z"},
		// New York, 8 March 2026: 02:00 → 03:00 at 07:00 UTC.
		{"spring west: a shift inside the gap is no shift", newYork, `{"sun":[{"from":"02:10","to":"02:50"}]}`,
			``, "2026-03-08T07:00:00Z", false, Outside, "2026-03-15T06:10:00Z"},
		// Sydney, 4 October 2026: 02:00 → 03:00 at 16:00 UTC on the 3rd.
		{"spring south: the night is an hour short", sydney, night, ``, "2026-10-03T15:30:00Z", true, Regular,
			"2026-10-03T16:00:00Z"},
		{"spring south: nine stays nine", sydney, working, ``, "2026-10-04T22:00:00Z", true, Regular, "2026-10-05T01:00:00Z"},
		// Sydney, 5 April 2026: 03:00 → 02:00 at 16:00 UTC on the 4th.
		{"autumn south: the night is an hour long", sydney, night, ``, "2026-04-04T16:30:00Z", true, Regular,
			"2026-04-04T17:00:00Z"},
		{"autumn south: nine stays nine", sydney, working, ``, "2026-04-05T23:00:00Z", true, Regular, "2026-04-06T02:00:00Z"},
		{"a half-hour change", "Australia/Lord_Howe", early, ``, "2026-04-04T16:30:00Z", true, Regular,
			"2026-04-04T18:30:00Z"},
		{"a zone that skipped a day", "Pacific/Apia",
			`{"sat":[{"from":"08:00","to":"09:00"}],"fri":[{"from":"08:00","to":"09:00"}]}`, ``, "2011-12-30T09:00:00Z",
			false, DayOff, "2011-12-30T18:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			open, reason, next := Open(schedule(t, tt.zone, tt.week, tt.closures), at)
			got := ""
			if !next.IsZero() {
				got = next.UTC().Format(time.RFC3339)
			}
			if open != tt.open || reason != tt.reason || got != tt.next {
				t.Errorf("got %t, %s, next %s; want %t, %s, next %s", open, reason, got, tt.open, tt.reason, tt.next)
			}
		})
	}
}

// The change Open foretells is where the answer changes, and nothing changes
// before: walked minute by minute over the weeks in which clocks change.
func TestOpen_next_is_where_the_answer_changes(t *testing.T) {
	for _, zone := range []string{"Europe/Paris", "America/New_York", "Australia/Sydney", "Asia/Kolkata"} {
		for _, from := range []string{"2026-03-05T00:00:00Z", "2026-03-27T00:00:00Z", "2026-04-03T00:00:00Z",
			"2026-10-02T00:00:00Z", "2026-10-23T00:00:00Z", "2026-10-30T00:00:00Z"} {
			s := schedule(t, zone, working,
				`[{"from":"2026-03-30"},{"from":"2026-04-06","hours":[{"from":"23:00","to":"01:30"}]}]`)
			at, _ := time.Parse(time.RFC3339, from)
			open, _, next := Open(s, at)
			for range 5 * 24 * 60 {
				at = at.Add(time.Minute)
				now, _, after := Open(s, at)
				if changed := !at.Before(next); changed != (now != open) {
					t.Fatalf("%s at %s: open %t before, %t now, foretold for %s", zone, at, open, now, next)
				}
				open, next = now, after
			}
		}
	}
}

func TestRead_refuses_what_cannot_be_meant(t *testing.T) {
	for name, raw := range map[string]string{
		"not an object": `[1]`, "an unknown day": `{"monday":[]}`, "no time": `{"mon":[{"from":"9","to":"17:00"}]}`,
		"an hour that is none":         `{"mon":[{"from":"25:00","to":"26:00"}]}`,
		"nothing":                      `{"mon":[{"from":"09:00","to":"09:00"}]}`,
		"overlap":                      `{"mon":[{"from":"09:00","to":"13:00"},{"from":"12:00","to":"18:00"}]}`,
		"begins at 24":                 `{"mon":[{"from":"24:00","to":"02:00"}]}`,
		"past 24":                      `{"mon":[{"from":"09:00","to":"24:30"}]}`,
		"over midnight before another": `{"mon":[{"from":"10:00","to":"06:00"},{"from":"22:00","to":"23:00"}]}`,
		"too many":                     `{"mon":[{"from":"01:00","to":"02:00"},{"from":"03:00","to":"04:00"},{"from":"05:00","to":"06:00"},{"from":"07:00","to":"08:00"},{"from":"09:00","to":"10:00"},{"from":"11:00","to":"12:00"},{"from":"13:00","to":"14:00"}]}`,
	} {
		if _, err := Week([]byte(raw)); err == nil {
			t.Errorf("%s: accepted %s", name, raw)
		}
	}
	for name, raw := range map[string]string{
		"not a list": `{}x`, "no date": `[{"from":"24.12."}]`, "an impossible date": `[{"from":"2026-02-30"}]`,
		"backwards":   `[{"from":"2026-12-26","to":"2026-12-24"}]`,
		"years":       `[{"from":"2026-01-01","to":"2028-01-01"}]`,
		"wrong hours": `[{"from":"2026-01-01","hours":[{"from":"x","to":"y"}]}]`,
	} {
		if _, err := Closures([]byte(raw)); err == nil {
			t.Errorf("%s: accepted %s", name, raw)
		}
	}
	for _, zone := range []string{"Local", "Mars/Olympus", "../etc/passwd"} {
		if _, err := Zone(zone); err == nil {
			t.Errorf("accepted the zone %s", zone)
		}
	}
}

func TestTyped_reads_what_people_write(t *testing.T) {
	for text, want := range map[string]string{
		"9-5": "09:00 17:00", "9-17": "09:00 17:00", "09:00-18:30": "09:00 18:30", "9am-5pm": "09:00 17:00",
		"9-12":        "09:00 12:00",
		"22:00-02:00": "22:00 02:00", "9 to 5": "09:00 17:00", "12am-12pm": "00:00 12:00", "closed": "", "": "",
	} {
		got, err := Typed(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		one := ""
		if len(got) == 1 {
			one = got[0]["from"] + " " + got[0]["to"]
		}
		if one != want {
			t.Errorf("%q: got %q, want %q", text, one, want)
		}
	}
	if got, err := Typed("9-12, 14-18"); err != nil || len(got) != 2 || got[1]["to"] != "18:00" {
		t.Errorf("got %v (%v), want two shifts", got, err)
	}
	for _, text := range []string{"nine to five", "9", "9-25", "13pm-2pm", "9-9:00", "9:70-10:00"} {
		if got, err := Typed(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func FuzzRead_gives_a_schedule_or_an_error(f *testing.F) {
	f.Add(working, `[{"from":"2026-12-24","to":"2026-12-26","yearly":true}]`, int64(1_795_000_000))
	f.Fuzz(func(t *testing.T, week, closures string, unix int64) {
		s, err := Read("Europe/Paris", []byte(week), []byte(closures))
		if err != nil {
			return
		}
		at := time.Unix(unix%4_000_000_000, 0)
		open, _, next := Open(s, at)
		if next.IsZero() {
			return
		}
		if !next.After(at) {
			t.Fatalf("the next change %s is not after %s", next, at)
		}
		if now, _, _ := Open(s, next); now == open {
			t.Fatalf("nothing changes at %s", next)
		}
	})
}

func FuzzTyped_gives_hours_that_can_be_stored(f *testing.F) {
	for _, text := range []string{"9-5", "9-12, 14-18", "12am-12pm", "closed", "9:00–17:30", "0-24"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		shifts, err := Typed(text)
		if err != nil {
			return
		}
		for _, s := range shifts {
			if _, err := shiftsOf([]jsonShift{{s["from"], s["to"]}}); err != nil {
				t.Fatalf("%q was read as %v, which is refused: %v", text, s, err)
			}
		}
	})
}
