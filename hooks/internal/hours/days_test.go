package hours

import (
	"testing"
	"time"
)

func TestDays_are_the_zones_own(t *testing.T) {
	for _, one := range []struct{ date, zone, from, until string }{
		{"2026-11-11", "America/New_York", "2026-11-11T05:00:00Z", "2026-11-12T05:00:00Z"},
		{"2026-11-11", "Asia/Kathmandu", "2026-11-10T18:15:00Z", "2026-11-11T18:15:00Z"},
		{"2026-11-11", "Pacific/Kiritimati", "2026-11-10T10:00:00Z", "2026-11-11T10:00:00Z"},
		{"2026-11-11", "", "2026-11-11T00:00:00Z", "2026-11-12T00:00:00Z"},
		{"2026-11-11", "Nowhere/Else", "2026-11-11T00:00:00Z", "2026-11-12T00:00:00Z"},
		{"2026-03-08", "America/New_York", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"}, // 23 hours
		{"2026-11-01", "America/New_York", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"}, // 25 hours
		{"2026-03-29", "Europe/Paris", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		{"2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}, // begins at 01:00
		{"2018-02-17", "America/Sao_Paulo", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"}, // ends with an hour twice
		{"2025-11-02", "America/Havana", "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"},    // 00:00 comes twice
		{"2025-03-09", "America/Havana", "2025-03-09T05:00:00Z", "2025-03-10T04:00:00Z"},    // begins at 01:00
		{"2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"},      // was left out
		{"2028-02-29", "Europe/London", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"},
		{"9999-12-31", "UTC", "9998-12-31T00:00:00Z", "9999-01-01T00:00:00Z"},
	} {
		from, err := From(one.date, one.zone)
		if err != nil || from.UTC().Format(time.RFC3339) != one.from {
			t.Errorf("%s in %s begins %v, %v, want %s", one.date, one.zone, from.UTC(), err, one.from)
		}
		until, err := Until(one.date, one.zone)
		if err != nil || until.UTC().Format(time.RFC3339) != one.until {
			t.Errorf("%s in %s ends %v, %v, want %s", one.date, one.zone, until.UTC(), err, one.until)
		}
	}
	for _, text := range []string{"2026-11-11T10:00:00Z", "2026-11-11T12:00:00+02:00", "2026-11-11T12:00:00 02:00"} {
		for name, read := range map[string]func(string, string) (time.Time, error){"From": From, "Until": Until} {
			if at, err := read(text, "America/New_York"); err != nil || at.UTC().Format(time.RFC3339) != "2026-11-11T10:00:00Z" {
				t.Errorf("%s(%s): got %v, %v", name, text, at, err)
			}
		}
	}
	for _, text := range []string{"", "today", "2026-13-01", "2026-02-30", "11/11/2026", "2026-11-11 ",
		"2026-11-11T10:00"} {
		if at, err := From(text, "UTC"); err == nil {
			t.Errorf("%q is read as %v", text, at)
		}
	}
}
