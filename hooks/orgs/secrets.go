package orgs

import (
	"net/http"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/keyring"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	secretPath   = "/api/organizations/{organization}/webhook-secret"
	secretAnswer = `{"provider", "changed_at", "earlier_valid", "installation_valid", "copies_pending", "ends_after"}`
)

var showSecretRoute = facade.Route{
	Method: "GET", Path: secretPath, Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Where the secret stands by which the telephone provider proves its messages: when it changed, whether earlier ones are still good, and how many copies at the provider still have to be told. The secret itself is never shown.",
	Answer:  secretAnswer,
	Errors:  "403",
}

var rotateSecretRoute = facade.Route{
	Method: "POST", Path: secretPath + "/rotate", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Makes a new secret and tells every copy at the provider. Earlier ones stay good for a day and until every copy has been told; with at_once they end now, and messages are refused until the copies have been told.",
	Body:    `{"at_once": false}`,
	Answer:  secretAnswer,
	Errors:  "400 · 403",
}

// secretState is what the routes answer.
type secretState struct {
	Provider string `json:"provider"`
	// ChangedAt is "" when there is no secret yet.
	ChangedAt string `json:"changed_at"`
	// EarlierValid says that the secrets before this one are accepted, too.
	EarlierValid bool `json:"earlier_valid"`
	// InstallationValid says the same of the one all organizations shared.
	InstallationValid bool `json:"installation_valid"`
	CopiesPending     int  `json:"copies_pending"`
	// EndsAfter is when earlier ones may end, "" when there are none.
	EndsAfter string `json:"ends_after"`
}

func (d *domain) showSecret(e *core.RequestEvent) error {
	t, err := tenant.InPath(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	state, err := d.secretState(e, t.ID())
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, state)
}

func (d *domain) rotateSecret(e *core.RequestEvent) error {
	t, err := tenant.InPath(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	var body struct {
		AtOnce bool `json:"at_once"`
	}
	if err := e.BindBody(&body); err != nil {
		return refusal.Invalid(map[string]string{"at_once": "Must be true or false"})
	}
	err = e.App.RunInTransaction(func(tx core.App) error {
		account, err := d.Keyring.Rotate(tx, collections.ProviderVapi, t.ID(), body.AtOnce)
		if err != nil {
			return err
		}
		copies, err := d.Mirror.TouchAll(atomic.Of(tx), t.ID())
		if err != nil {
			return err
		}
		return audit.Add(tx, audit.Entry{
			Organization: t.ID(), Actor: audit.ActorOf(e), Action: "webhook_secret.rotate",
			Resource: collections.ProviderAccounts, Record: account.Id,
			Details: map[string]any{"provider": collections.ProviderVapi, "copies": copies, "at_once": body.AtOnce},
		})
	})
	if err != nil {
		return err
	}
	d.Outbox.Nudge()
	state, err := d.secretState(e, t.ID())
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, state)
}

func (d *domain) secretState(e *core.RequestEvent, organization string) (secretState, error) {
	s, err := d.Keyring.State(collections.ProviderVapi, organization)
	if err != nil {
		return secretState{}, err
	}
	state := secretState{Provider: collections.ProviderVapi, EarlierValid: s.Earlier, InstallationValid: s.Installation}
	if !s.ChangedAt.IsZero() {
		state.ChangedAt = rows.SaidAt(s.ChangedAt)
		if s.Earlier || s.Installation {
			state.EndsAfter = rows.SaidAt(s.ChangedAt.Add(keyring.Overlap))
		}
	}
	state.CopiesPending, err = d.Mirror.Behind(e.Request.Context(), organization)
	return state, err
}
