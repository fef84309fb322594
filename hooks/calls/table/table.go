package table

import (
	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
)

// An entry of the timeline that is there again: the earliest position wins.
const mergeEvent = `ON CONFLICT (call, key) DO UPDATE SET position = min(position, excluded.position),
	name = CASE WHEN excluded.name = '' THEN name ELSE excluded.name END,
	data = json_patch(data, excluded.data), updated = excluded.updated
	WHERE position > excluded.position OR data != json_patch(data, excluded.data)`

var noCall = Call(new(fold.Call))

// The tables provider messages write, each with its columns once. What is not named
// has its default in a new row.
var (
	Calls      = familyOf("calls", "id", "", noCall[:])
	Contacts   = familyOf("contacts", "id", "", new(Contact).Columns())
	Recordings = familyOf("recordings", "id", "ON CONFLICT DO NOTHING", Owns(new(fold.Call)), new(Recording).Columns())
	Lines      = familyOf("messages", "rowid", "ON CONFLICT DO NOTHING", Owns(new(fold.Call)), Line(new(fold.Line)))
	Events     = familyOf("call_events", "id", mergeEvent, Owns(new(fold.Call)), new(Event).Columns())
	Reports    = familyOf("call_reports", "id", "ON CONFLICT (call) DO NOTHING", new(Report).Columns())

	selectCalls = "SELECT " + names(noCall[:]) + " FROM calls WHERE "

	// SelectRow reads a call by its own id (SelectCall by a provider's); SelectLines
	// reads the row number of the lines of a call and who wrote them, then their columns.
	SelectRow   = selectCalls + "id = ?"
	SelectLines = "SELECT rowid, from_person, " + names(Line(new(fold.Line))) +
		" FROM messages WHERE call = ? ORDER BY position, role"
)

const callColumns = 32

// Call are the columns of a call's row that provider messages decide. The others have
// their defaults in a new row.
func Call(c *fold.Call) [callColumns]Column {
	return [...]Column{
		{Name: "id", at: &c.ID},
		{Name: "organization", at: &c.Organization},
		{Name: IDColumn(collections.ProviderVapi), at: &c.Source, of: collections.ProviderVapi},
		{Name: "status", at: &c.Status},
		{Name: "outcome", at: &c.Outcome},
		{Name: "call_type", at: &c.Direction},
		{Name: "channel", at: &c.Channel},
		{Name: "caller_number", at: &c.Caller},
		{Name: "recipient_number", at: &c.Recipient},
		{Name: "caller_number_raw", at: &c.CallerRaw},
		{Name: "recipient_number_raw", at: &c.RecipientRaw},
		{Name: "contact", at: &c.Contact},
		{Name: "assistant", at: &c.Assistant},
		{Name: "phone_number", at: &c.PhoneNumber},
		{Name: "started_at", at: (*moment)(&c.StartedAt)},
		{Name: "answered_at", at: (*moment)(&c.AnsweredAt)},
		{Name: "ended_at", at: (*moment)(&c.EndedAt)},
		{Name: "reported_at", at: (*moment)(&c.ReportedAt)},
		{Name: "duration_seconds", at: &c.DurationSeconds},
		{Name: "cost_micros", at: &c.CostMicros},
		{Name: "ended_reason", at: &c.EndedReason},
		{Name: "summary", at: &c.Summary},
		{Name: "resolution_status", at: &c.Resolution},
		{Name: "sentiment", at: &c.Sentiment},
		{Name: "priority", at: &c.Priority},
		{Name: "success_evaluation", at: &c.Success},
		{Name: "has_recording", at: &c.HasRecording},
		{Name: "answered", at: &c.Answered},
		{Name: "missed", at: &c.Missed},
		{Name: "is_test", at: &c.Test},
		{Name: "control_url", at: &c.ControlURL},
		{Name: "listen_url", at: &c.ListenURL},
	}
}

// Owns are the columns that say whose a part of the call is.
func Owns(c *fold.Call) []Column {
	return []Column{{Name: "organization", at: &c.Organization}, {Name: "call", at: &c.ID}}
}

// Contact is somebody met for the first time.
type Contact struct {
	ID, Organization  string
	Number, Raw, Name string
	Seen              fold.Instant
}

// Columns are its columns.
func (r *Contact) Columns() []Column {
	return []Column{
		{Name: "id", at: &r.ID},
		{Name: "organization", at: &r.Organization},
		{Name: "phone_number", at: &r.Number},
		{Name: "phone_number_raw", at: &r.Raw},
		{Name: "name", at: &r.Name},
		{Name: "first_seen_at", at: (*moment)(&r.Seen)},
		{Name: "last_seen_at", at: (*moment)(&r.Seen)},
	}
}

// Recording is one that is to be copied home.
type Recording struct {
	ID, Kind, Status string
	Next             fold.Instant
}

// Columns are its columns.
func (r *Recording) Columns() []Column {
	return []Column{
		{Name: "id", at: &r.ID},
		{Name: "kind", at: &r.Kind},
		{Name: "status", at: &r.Status},
		{Name: "next_at", at: (*moment)(&r.Next)},
	}
}

// Line are the columns of a line, beside whose it is.
func Line(l *fold.Line) []Column {
	return []Column{
		{Name: "id", at: &l.ID},
		{Name: "role", at: &l.Role},
		{Name: "content", at: &l.Content},
		{Name: "position", at: &l.Position},
		{Name: "offset_ms", at: &l.OffsetMS},
		{Name: "duration_ms", at: &l.Duration},
	}
}

// Event is an entry of the timeline, its data as JSON.
type Event struct {
	ID string
	fold.Event
	Data string
}

// Columns are its columns.
func (r *Event) Columns() []Column {
	return []Column{
		{Name: "id", at: &r.ID},
		{Name: "type", at: &r.Type},
		{Name: "name", at: &r.Name},
		{Name: "position", at: &r.Position},
		{Name: "key", at: &r.Key},
		// Patching an empty object first leaves out the nulls patching later would.
		{Name: "data", at: &r.Data, as: "json_patch('{}', ?)"},
	}
}

// Report is what is big about a call that is over; the JSON columns are texts.
type Report struct {
	ID, Organization, Call       string
	Position                     int64
	Summary, Transcript          string
	Analysis, Costs, Performance string
}

// Columns are its columns.
func (r *Report) Columns() []Column {
	return []Column{
		{Name: "id", at: &r.ID},
		{Name: "organization", at: &r.Organization},
		{Name: "call", at: &r.Call},
		{Name: "position", at: &r.Position},
		{Name: "summary", at: &r.Summary},
		{Name: "transcript", at: &r.Transcript},
		{Name: "analysis", at: &r.Analysis},
		{Name: "costs", at: &r.Costs},
		{Name: "performance", at: &r.Performance},
	}
}
