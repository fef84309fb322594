package lists

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// What of the last days is left for people to do. A call that somebody settled
// (resolution_status) is done, and so is one whose caller was spoken with since.
const (
	// workDays is how far back is looked: whoever waited longer has called again or gone
	// elsewhere, and the list of calls has them.
	workDays = 14
	// workMost is how many calls of each kind are told; their number is told in full.
	workMost = 6
)

// unsettled are calls that are over and open. Nobody waits for who is blocked.
const unsettled = `c.organization = +? AND c.started_at >= +? AND c.ended_at != '' AND c.resolution_status IN ('pending', 'escalated')
	AND c.placing NOT IN (` + NeverPlaced + `) AND NOT EXISTS (SELECT 1 FROM contacts b WHERE b.id = c.contact AND b.blocked)`

// inVain are calls of people who rang in vain, or of which somebody said that they are
// urgent and nobody has passed it on. Whoever kept the number back cannot be called.
const inVain = `(c.call_type = 'inbound' AND c.contact != '' AND (c.missed OR
	c.priority IN ('high', 'urgent') AND c.resolution_status = 'pending'))`

// A kind of work: the condition of its calls beside unsettled.
const (
	// callBack are callers who expect a call back. Of several calls of one caller the last
	// one tells, and none when the caller was reached since.
	callBack = inVain + ` AND NOT EXISTS (SELECT 1 FROM calls o INDEXED BY idx_calls_contact_started_at
		WHERE o.contact = c.contact AND o.started_at > c.started_at AND (o.call_type = 'inbound' OR o.answered))`
	// lookAt are the other ones.
	lookAt = `NOT ` + inVain
)

// work is {"count": n, "items": [newest first]} of a kind, items as in the list of
// calls. today is when the organization's day began.
func (l *Lists) work(ctx context.Context, t *tenant.Tenant, kind string, today time.Time) (json.RawMessage, error) {
	args := []any{t.ID(), rows.Stamp(today.AddDate(0, 0, 1-workDays))}
	const from = " FROM calls c INDEXED BY idx_calls_organization_started_at"
	where := " WHERE " + unsettled + " AND " + kind
	var count int64
	if err := l.one(ctx, []any{&count}, "SELECT count(*)"+from+where, args...); err != nil {
		return nil, fmt.Errorf("open calls: %w", err)
	}
	found := page{masked: t.Masked()}
	if count > 0 {
		var err error
		found.rows, _, err = l.read(ctx, workMost, "SELECT "+columns+from+withContact+where+
			" ORDER BY c.started_at DESC, c.id DESC LIMIT +?", append(args, workMost))
		if err != nil {
			return nil, fmt.Errorf("open calls: %w", err)
		}
	}
	body, err := found.json()
	if err != nil {
		return nil, fmt.Errorf("open calls: %w", err)
	}
	return append([]byte(`{"count":`+strconv.FormatInt(count, 10)+`,`), body[1:]...), nil
}
