// Package hours answers one question: is this organization open at this
// instant, why, and when does that change?
//
// Times are wall times in the organization's zone, so clocks that jump do not
// move opening hours: nine stays nine. A shift belongs to the day on which it
// begins; one that ends at or before the minute it began ends on the next day,
// even when that day is closed. Where clocks go back, a shift begins at the first
// of two equal wall times and ends at the second; where they go forward, a time
// that does not exist means the moment of the jump.
package hours

import (
	"slices"
	"time"
)

// Reasons of an answer.
const (
	Always   = "always"        // no hours are set
	Regular  = "hours"         // inside the week's hours
	Special  = "special_hours" // inside the hours of a special day
	Outside  = "outside_hours" // the day has hours, not now
	DayOff   = "day_off"       // the weekday has no hours
	Closed   = "closure"       // a holiday or one-off closure
	dayLimit = 400             // how far ahead the next change is looked for
)

// Schedule is when an organization is open.
type Schedule struct {
	// Zone is nil for UTC.
	Zone *time.Location
	// Week holds the shifts of each weekday; nil means always open.
	Week map[time.Weekday][]Shift
	// Closures are days that differ from the week.
	Closures []Closure
}

// Shift is a time of work in minutes after midnight, 0 to 1440. When To is not
// after From it ends on the next day.
type Shift struct{ From, To int }

// Closure is one day or a run of days, both ends included, on which the week
// does not count: closed, or open in the given shifts only.
type Closure struct {
	Name     string
	From, To Date
	// Yearly closures come back each year on the same days.
	Yearly bool
	Shifts []Shift
}

// Date is a day of the calendar, in whatever zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the day of t in t's zone.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

func (d Date) next(days int) Date {
	return DateOf(time.Date(d.Year, d.Month, d.Day+days, 12, 0, 0, 0, time.UTC))
}

func (d Date) weekday() time.Weekday {
	return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC).Weekday()
}

func (d Date) before(other Date) bool {
	return d.number() < other.number()
}

func (d Date) number() int { return d.Year*10_000 + int(d.Month)*100 + d.Day }

// covers tells whether the closure is about the day.
func (c Closure) covers(d Date) bool {
	if !c.Yearly {
		return !d.before(c.From) && !c.To.before(d)
	}
	day, from, to := d.number()%10_000, c.From.number()%10_000, c.To.number()%10_000
	if from <= to {
		return from <= day && day <= to
	}
	return day >= from || day <= to // over New Year
}

// On returns the closure that counts on a day, nil when none does. Of several,
// the shortest wins, so that one open day inside a closed week can be said.
func (s Schedule) On(d Date) *Closure {
	var found *Closure
	for i, c := range s.Closures {
		if c.covers(d) && (found == nil || c.length() < found.length()) {
			found = &s.Closures[i]
		}
	}
	return found
}

func (c Closure) length() int {
	days := func(d Date) int64 { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix() / 86_400 }
	n := int(days(c.To) - days(c.From))
	if n < 0 {
		n += 366
	}
	return n
}

func (s Schedule) zone() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

// period is a shift on the clock of the world.
type period struct {
	from, to time.Time
	special  bool
}

// periods are the shifts that begin on a day, in order.
func (s Schedule) periods(d Date) []period {
	shifts, special := s.Week[d.weekday()], false
	if c := s.On(d); c != nil {
		shifts, special = c.Shifts, true
	}
	out := make([]period, 0, len(shifts))
	for _, shift := range shifts {
		end := d
		if shift.To <= shift.From {
			end = d.next(1)
		}
		out = append(out, period{first(d, shift.From, s.zone()), last(end, shift.To, s.zone()), special})
	}
	slices.SortFunc(out, func(a, b period) int { return a.from.Compare(b.from) })
	return out
}

// wall is a wall time of a day and the instants that show it: none in a gap,
// two where clocks go back.
func wall(d Date, minutes int, zone *time.Location) (early, late time.Time) {
	asIf := time.Date(d.Year, d.Month, d.Day, 0, minutes, 0, 0, time.UTC)
	// The offsets in force around that moment are all that can apply to it.
	_, before := asIf.Add(-26 * time.Hour).In(zone).Zone()
	_, after := asIf.Add(26 * time.Hour).In(zone).Zone()
	early, late = asIf.Add(-time.Duration(before)*time.Second), asIf.Add(-time.Duration(after)*time.Second)
	if early.After(late) {
		early, late = late, early
	}
	shows := func(t time.Time) bool {
		_, offset := t.In(zone).Zone()
		return t.Add(time.Duration(offset) * time.Second).Equal(asIf)
	}
	switch {
	case shows(early) && shows(late):
		return early, late
	case shows(early):
		return early, early
	case shows(late):
		return late, late
	}
	jump := between(early, late, zone)
	return jump, jump
}

// between finds the moment at which the zone's offset changes.
func between(from, to time.Time, zone *time.Location) time.Time {
	_, old := from.In(zone).Zone()
	for to.Sub(from) > time.Second {
		middle := from.Add(to.Sub(from) / 2).Truncate(time.Second)
		if _, offset := middle.In(zone).Zone(); offset == old {
			from = middle
		} else {
			to = middle
		}
	}
	return to
}

func first(d Date, minutes int, zone *time.Location) time.Time {
	t, _ := wall(d, minutes, zone)
	return t
}

func last(d Date, minutes int, zone *time.Location) time.Time {
	_, t := wall(d, minutes, zone)
	return t
}

// Open tells whether the schedule is open at an instant, why, and when that
// changes next. next is the zero time when it does not change within a year.
func Open(s Schedule, at time.Time) (open bool, reason string, next time.Time) {
	if s.Week == nil {
		if len(s.Closures) == 0 {
			return true, Always, time.Time{}
		}
		s.Week = everyHour()
	}
	today := DateOf(at.In(s.zone()))
	reason = s.whyClosed(today)
	var until time.Time // end of the time open that at lies in
	for day := -1; day <= dayLimit; day++ {
		for _, p := range s.periods(today.next(day)) {
			switch {
			case !p.from.Before(p.to):
				continue // swallowed by a jump of the clock
			case open && p.from.After(until):
				return open, reason, until
			case open:
				until = later(until, p.to)
			case !at.Before(p.from) && at.Before(p.to):
				open, until, reason = true, p.to, Regular
				if p.special {
					reason = Special
				}
			case p.from.After(at):
				return false, reason, p.from
			}
		}
		// The next day's shifts begin after it began.
		if open && day < dayLimit && until.Before(first(today.next(day+1), 0, s.zone())) {
			return open, reason, until
		}
	}
	return open, reason, time.Time{}
}

func (s Schedule) whyClosed(d Date) string {
	switch {
	case s.On(d) != nil && len(s.On(d).Shifts) == 0:
		return Closed
	case s.On(d) == nil && len(s.Week[d.weekday()]) == 0:
		return DayOff
	}
	return Outside
}

func everyHour() map[time.Weekday][]Shift {
	week := map[time.Weekday][]Shift{}
	for day := time.Sunday; day <= time.Saturday; day++ {
		week[day] = []Shift{{0, 1440}}
	}
	return week
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
