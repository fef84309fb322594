package hours

import (
	"strings"
	"time"
)

// From reads where a stretch of time begins: an instant (RFC 3339), or a date,
// which is the day in the zone and begins when it begins there.
func From(text, zone string) (time.Time, error) {
	day, z, err := day(text, zone)
	if err != nil {
		return instant(text)
	}
	return startOf(day, z), nil
}

// Until reads where a stretch of time ends, itself not included: an instant, or
// a date, whose whole day is included.
func Until(text, zone string) (time.Time, error) {
	day, z, err := day(text, zone)
	if err != nil {
		return instant(text)
	}
	return startOf(day.AddDate(0, 0, 1), z), nil
}

// day reads a date. The zone is looked up only for one.
func day(text, zone string) (time.Time, *time.Location, error) {
	date, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return date, nil, err
	}
	if date.Year() > 9998 { // the day after must have four digits
		date = time.Date(9998, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	z, err := Zone(zone)
	if err != nil {
		z = time.UTC
	}
	return date, z, nil
}

// instant reads RFC 3339. In an address that was not escaped the plus of an
// offset arrives as a blank.
func instant(text string) (time.Time, error) {
	return time.Parse(time.RFC3339, strings.Replace(text, " ", "+", 1))
}

// startOf is the first instant of a day in a zone. Where clocks change at
// midnight there is no 00:00, or there are two.
func startOf(date time.Time, zone *time.Location) time.Time {
	at := time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, zone)
	if at.Format(time.DateOnly) < date.Format(time.DateOnly) { // no 00:00: the day begins with the change
		_, at = at.ZoneBounds()
		return at
	}
	change, _ := at.ZoneBounds()
	if change.IsZero() {
		return at
	}
	_, before := change.Add(-time.Second).Zone()
	_, after := at.Zone()
	first := at.Add(-time.Duration(before-after) * time.Second)
	if first.Before(change) && first.Before(at) && DateOf(first) == DateOf(date) {
		return first
	}
	return at
}
