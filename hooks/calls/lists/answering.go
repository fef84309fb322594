package lists

import (
	"context"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

type answering struct {
	OK bool `json:"ok"`
	// Reason is no_key, no_address, no_number, no_assistant, number_off, assistant_off,
	// not_synced, closed, balance, or "". held goes with OK: it is answered as before
	// a restore, and changes wait.
	Reason string `json:"reason"`
	Number string `json:"number"`
}

// line is a number calls come in on, and who answers there.
type line struct {
	ID            string `json:"id"`
	PhoneNumber   string `json:"phone_number"` // "" until the provider has said it
	Name          string `json:"name"`
	Assistant     string `json:"assistant"`
	AssistantName string `json:"assistant_name"`
	// Reason is why nobody answers there, a word of answering.Reason, or "".
	Reason string `json:"reason"`
}

// linesMost is how many numbers of an organization are looked at.
const linesMost = 50

const selectLines = `SELECT p.id, p.phone_number, p.friendly_name, coalesce(a.id, ''), coalesce(a.name, ''), p.status,
	p.sync_status, coalesce(a.status, ''), p.vapi_phone_id != '' AND coalesce(a.vapi_assistant_id, '') != ''
	FROM phone_numbers p LEFT JOIN assistants a ON a.id = p.assistant
	WHERE p.organization = ? AND p.provider != 'other' ORDER BY p.created LIMIT ?`

// linesOf are the numbers of an organization, the oldest first.
func (l *Lists) linesOf(ctx context.Context, organization string) ([]line, error) {
	all, err := l.reads.QueryContext(ctx, selectLines, organization, linesMost)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	lines := []line{}
	for all.Next() {
		var one line
		var status, sync, assistantStatus string
		var there bool
		if err := all.Scan(&one.ID, &one.PhoneNumber, &one.Name, &one.Assistant, &one.AssistantName, &status, &sync,
			&assistantStatus, &there); err != nil {
			return nil, err
		}
		one.Reason = unanswered(status, sync, one.Assistant, assistantStatus, there)
		lines = append(lines, one)
	}
	return lines, all.Err()
}

// answering says whether the phone is answered, and if not, the first thing to
// mend; and who answers each number.
func (l *Lists) answering(ctx context.Context, t *tenant.Tenant) (answering, []line, error) {
	lines, err := l.linesOf(ctx, t.ID())
	if err != nil {
		return answering{}, nil, err
	}
	found := answering{Reason: "no_number"}
	for _, one := range lines {
		if found.Number == "" || one.Reason == "" {
			found = answering{OK: one.Reason == "", Reason: one.Reason, Number: one.ID}
		}
		if found.OK {
			break
		}
	}
	held, err := l.Held()
	if err != nil {
		return answering{}, nil, err
	}
	switch {
	case found.OK && held:
		found.Reason = "held"
	case l.Lacks != "":
		found = answering{Reason: l.Lacks}
	}
	switch {
	case t.Organization.GetString("status") != collections.OrganizationActive, t.Organization.GetBool("paused"):
		found.OK, found.Reason = false, "closed"
	case t.Organization.GetString("balance_state") == collections.BalanceEmpty:
		found.OK, found.Reason = false, "balance"
	}
	return found, lines, nil
}

// unanswered is why a number is not answered, or "".
func unanswered(status, sync, assistant, assistantStatus string, there bool) string {
	switch {
	case assistant == "":
		return "no_assistant"
	case status == collections.NumberInactive || status == collections.NumberSuspended:
		return "number_off"
	case assistantStatus != collections.AssistantActive:
		return "assistant_off"
	// A change on its way leaves the copies as they were: they answer.
	case !there || sync != collections.SyncSynced && sync != collections.SyncPending:
		return "not_synced"
	}
	return ""
}
