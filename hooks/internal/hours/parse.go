package hours

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// shiftsMost is how many shifts one day may have.
	shiftsMost = 6
	// closuresMost bounds what every answer looks through.
	closuresMost = 200
	// closureDays is the longest closure.
	closureDays = 366
	nameMost    = 100
)

var days = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // by time.Weekday

type jsonShift struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type jsonClosure struct {
	Name   string      `json:"name,omitempty"`
	From   string      `json:"from"`
	To     string      `json:"to,omitempty"`
	Yearly bool        `json:"yearly,omitempty"`
	Hours  []jsonShift `json:"hours,omitempty"`
}

// Week reads stored opening hours:
//
//	{"mon": [{"from": "09:00", "to": "12:00"}, {"from": "14:00", "to": "18:00"}], "sat": []}
//
// A day that is not named is closed. Null, "" and {} mean always open. The
// error is a sentence for whoever typed it.
func Week(raw []byte) (map[time.Weekday][]Shift, error) {
	if empty(raw) {
		return nil, nil
	}
	var typed map[string][]jsonShift
	if err := json.Unmarshal(raw, &typed); err != nil {
		return nil, fmt.Errorf(`Give opening hours as {"mon": [{"from": "09:00", "to": "18:00"}], …}.`)
	}
	week := map[time.Weekday][]Shift{}
	for name, list := range typed {
		day := slices.Index(days, name)
		if day < 0 {
			return nil, fmt.Errorf("%q is not a day; use %s.", name, strings.Join(days, ", "))
		}
		shifts, err := shiftsOf(list)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		week[time.Weekday(day)] = shifts
	}
	return week, nil
}

// Closures reads stored closures:
//
//	[{"name": "Christmas", "from": "2026-12-24", "to": "2026-12-26", "yearly": true,
//	  "hours": [{"from": "10:00", "to": "12:00"}]}]
//
// Without `to` it is one day, without `hours` it is closed all day.
func Closures(raw []byte) ([]Closure, error) {
	if empty(raw) {
		return nil, nil
	}
	var typed []jsonClosure
	if err := json.Unmarshal(raw, &typed); err != nil {
		return nil, fmt.Errorf(`Give closures as [{"name": "Christmas", "from": "2026-12-24", "to": "2026-12-26"}].`)
	}
	if len(typed) > closuresMost {
		return nil, fmt.Errorf("At most %d closures can be kept.", closuresMost)
	}
	out := make([]Closure, 0, len(typed))
	for i, c := range typed {
		one, err := c.read()
		if err != nil {
			return nil, fmt.Errorf("Closure %d: %w", i+1, err)
		}
		out = append(out, one)
	}
	return out, nil
}

func (c jsonClosure) read() (Closure, error) {
	out := Closure{Name: strings.TrimSpace(c.Name), Yearly: c.Yearly}
	if len([]rune(out.Name)) > nameMost {
		return out, fmt.Errorf("the name has more than %d characters.", nameMost)
	}
	from, err := time.Parse(time.DateOnly, c.From)
	if err != nil {
		return out, fmt.Errorf("%q is not a date like 2026-12-24.", c.From)
	}
	to := from
	if c.To != "" {
		if to, err = time.Parse(time.DateOnly, c.To); err != nil {
			return out, fmt.Errorf("%q is not a date like 2026-12-24.", c.To)
		}
	}
	length := to.Sub(from)
	if length < 0 {
		return out, fmt.Errorf("it ends before it begins.")
	}
	if length >= closureDays*24*time.Hour {
		return out, fmt.Errorf("it is longer than a year.")
	}
	out.From, out.To = DateOf(from), DateOf(to)
	out.Shifts, err = shiftsOf(c.Hours)
	return out, err
}

// Read puts a schedule together from what is stored. An unknown zone is UTC;
// hours that cannot be read are an error.
func Read(zone string, week, closures []byte) (Schedule, error) {
	var s Schedule
	var err error
	if s.Zone, err = Zone(zone); err != nil {
		s.Zone = time.UTC
	}
	if s.Week, err = Week(week); err != nil {
		return s, err
	}
	s.Closures, err = Closures(closures)
	return s, err
}

// Zone reads the name of a time zone; "" is UTC.
func Zone(name string) (*time.Location, error) {
	if name == "Local" { // would be the server's own
		return nil, fmt.Errorf("%q is not a time zone.", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is not a time zone like Europe/Paris.", name)
	}
	return zone, nil
}

func shiftsOf(list []jsonShift) ([]Shift, error) {
	if len(list) > shiftsMost {
		return nil, fmt.Errorf("at most %d shifts a day.", shiftsMost)
	}
	shifts := make([]Shift, 0, len(list))
	for _, typed := range list {
		from, okFrom := minutes(typed.From)
		to, okTo := minutes(typed.To)
		switch {
		case !okFrom || from == 1440:
			return nil, fmt.Errorf("%q is not a time like 09:00.", typed.From)
		case !okTo:
			return nil, fmt.Errorf("%q is not a time like 18:00.", typed.To)
		case from == to:
			return nil, fmt.Errorf("a shift from %s to %s is empty; the whole day is 00:00 to 24:00.", typed.From, typed.To)
		}
		shifts = append(shifts, Shift{from, to})
	}
	slices.SortFunc(shifts, func(a, b Shift) int { return a.From - b.From })
	for i := 1; i < len(shifts); i++ {
		if end := shifts[i-1]; end.To <= end.From || end.To > shifts[i].From {
			return nil, fmt.Errorf("two shifts overlap.")
		}
	}
	return shifts, nil
}

var clock = regexp.MustCompile(`^([01]?[0-9]|2[0-4]):([0-5][0-9])$`)

func minutes(text string) (int, bool) {
	m := clock.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	h, _ := strconv.Atoi(m[1])
	min, _ := strconv.Atoi(m[2])
	if h == 24 && min != 0 {
		return 0, false
	}
	return h*60 + min, true
}

func empty(raw []byte) bool {
	switch strings.TrimSpace(string(raw)) {
	case "", "null", "{}", "[]", `""`:
		return true
	}
	return false
}

// Typed reads hours of one day as people write them ("9-5", "9:00-12:00,
// 14:00-18:00", "closed") and returns the stored form. Without minutes and with
// an end that is not later, the end is in the afternoon: "9-5" ends at 17:00.
func Typed(text string) ([]map[string]string, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	out := []map[string]string{}
	if slices.Contains([]string{"", "closed", "off", "-"}, text) {
		return out, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		m := typed.FindStringSubmatch(strings.TrimSpace(part))
		if m == nil {
			return nil, fmt.Errorf(`%q is not a time like 9-17 or 09:00-18:00.`, strings.TrimSpace(part))
		}
		from, to := time24(m[1], m[2], m[3]), time24(m[4], m[5], m[6])
		if m[3]+m[6] == "" && m[2]+m[5] == "" && to <= from && to <= 12*60 {
			to += 12 * 60
		}
		if from < 0 || to < 0 || from >= 1440 || to > 1440 || from == to {
			return nil, fmt.Errorf(`%q is not a time like 9-17 or 09:00-18:00.`, strings.TrimSpace(part))
		}
		out = append(out, map[string]string{"from": written(from), "to": written(to)})
	}
	return out, nil
}

var typed = regexp.MustCompile(`^([0-9]{1,2})(?::([0-5][0-9]))? ?(am|pm)? ?(?:-|–|to) ?([0-9]{1,2})(?::([0-5][0-9]))? ?(am|pm)?$`)

func time24(hour, minute, half string) int {
	h, _ := strconv.Atoi(hour)
	m, _ := strconv.Atoi(minute) // "" is 0
	switch {
	case half != "" && (h < 1 || h > 12):
		return -1
	case half == "am" && h == 12:
		h = 0
	case half == "pm" && h < 12:
		h += 12
	}
	return h*60 + m
}

func written(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }
