package tenant

import (
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/chain"
)

// Admit asks the gate alone: for handlers that reach organizations by another
// way than Of, In and Require. Whether the caller belongs there is not asked.
func Admit(e *core.RequestEvent, organization string) error {
	if gate, ok := e.App.Store().Get(gateKey).(Gate); ok {
		return gate(e, organization)
	}
	return nil
}

// Gate tells whether a member may come in from where the request comes: nil,
// or an error that says why not.
type Gate func(e *core.RequestEvent, organization string) error

const gateKey = "pocketline.gate"

// SetGate puts a gate before every organization: Of, In and Require ask it
// after the membership. Package identity sets it.
func SetGate(app core.App, gate Gate) { app.Store().Set(gateKey, gate) }

// Closed is the gate's error for a member of the organization, nil for anybody
// else: what a stranger gets says nothing of an organization.
func Closed(e *core.RequestEvent, organization string) error {
	if e.Auth == nil || e.HasSuperuserAuth() || MembershipOf(e.App, e.Auth.Id, organization) == nil {
		return nil
	}
	return Admit(e, organization)
}

// Open are the caller's organizations the gate admits to, oldest first, and its
// error for the others.
func Open(e *core.RequestEvent) (ids []string, refused error) {
	for _, m := range MembershipsOf(e.App, e.Auth.Id) {
		id := m.GetString("organization")
		if err := Admit(e, id); err != nil {
			refused = err
			continue
		}
		ids = append(ids, id)
	}
	return ids, refused
}

// askGate asks the gate about a request for one row before the row is looked
// for: of the organization the request names, or of all the caller's when it
// names none. Rows of other closed organizations are like rows that do not
// exist, so that no status tells which there are. Lists ask in pin.
func askGate() *hook.Handler[*core.RequestEvent] {
	return chain.Middleware(chain.Gate, func(e *core.RequestEvent) error {
		_, path, _ := strings.Cut(e.Request.Pattern, " ")
		if e.Auth == nil || e.HasSuperuserAuth() || !strings.HasPrefix(path, recordsPath) || isList(e) {
			return e.Next()
		}
		c, err := e.App.FindCachedCollectionByNameOrId(e.Request.PathValue("collection"))
		// The own membership is seen in any case.
		if err != nil || !collections.Tenant(c) && c.Name != collections.Organizations || c.Name == collections.Memberships {
			return e.Next()
		}
		if id := named(e); id != "" {
			err = Closed(e, id)
		} else if open, refused := Open(e); len(open) == 0 {
			err = refused
		}
		if err != nil {
			return err
		}
		return e.Next()
	})
}
