package system

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/spf13/cobra"

	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// This file shows what is left over at the phone provider: objects with our mark
// that no row names. The daily sweep removes second copies by itself; the rest
// may be another installation's, or cost a number somebody rings, so a person
// decides.

// straysPatience is how long somebody who looks at a page waits for the provider.
const straysPatience = 10 * time.Second

// refusedWithoutKey is said instead of an empty list where nobody could be asked.
func refusedWithoutKey() error {
	return refusal.Of("provider_key_missing")
}

func (s *system) showStrays(e *core.RequestEvent) error {
	if !s.VapiReady {
		return refusedWithoutKey()
	}
	ctx, cancel := context.WithTimeout(e.Request.Context(), straysPatience)
	defer cancel()
	strays, err := s.Mirror.Strays(ctx)
	if err != nil {
		return s.refusedByProvider(ctx, "what is left over at the provider cannot be listed", err)
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"strays": strays})
}

func (s *system) removeStray(e *core.RequestEvent) error {
	var body struct {
		Collection string `json:"collection"`
		ID         string `json:"id"`
	}
	if err := e.BindBody(&body); err != nil {
		return refusal.Of("unreadable_body")
	}
	for _, field := range []struct{ name, value string }{{"collection", body.Collection}, {"id", body.ID}} {
		if field.value == "" {
			return refusal.Invalid(map[string]string{field.name: "Required"})
		}
	}
	if !s.VapiReady {
		return refusedWithoutKey()
	}
	err := s.Mirror.RemoveStray(e.Request.Context(), body.Collection, body.ID)
	switch {
	case errors.Is(err, mirror.ErrNotStray):
		return refusal.Of("stray_used")
	case err != nil:
		return s.refusedByProvider(e.Request.Context(), "what is left over at the provider was not removed", err)
	}
	if err := audit.Add(e.App, audit.Entry{
		Actor: audit.ActorOf(e), Action: "installation.remove_stray",
		Details: map[string]any{"collection": body.Collection, "copy": body.ID},
	}); err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"removed": true})
}

// refusedByProvider answers for what the provider did not do, by its reason; an error
// of our own is no answer of the provider's.
func (s *system) refusedByProvider(ctx context.Context, what string, err error) error {
	if !errors.Is(err, mirror.ErrProvider) {
		return err
	}
	s.app.Logger().Warn(what, "error", err)
	switch said := providerResult(ctx, err); said.Code {
	case "wrong_key":
		return refusal.Of("provider_key_refused").With(said.Detail)
	case "unpaid":
		return refusal.Of("provider_unpaid").With(said.Detail)
	case "busy":
		return refusal.Of("provider_busy").With(said.Detail)
	case "refused":
		return refusal.Of("provider_refuses").With(said.Detail)
	}
	return refusal.Of("provider_failed/silent")
}

// confirmRestored takes the operator's word that no other server uses what the
// restored database names at the phone provider.
func (s *system) confirmRestored(e *core.RequestEvent) error {
	if err := s.Mirror.Installation.Confirm(); err != nil {
		return err
	}
	if err := audit.Add(e.App, audit.Entry{Actor: audit.ActorOf(e), Action: "installation.confirm_restored"}); err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"confirmed": true})
}

// StraysCommand is `pocketline strays`: the same list on the console. ready tells that
// there is a key; without one it fails.
func StraysCommand(app core.App, copies *mirror.Mirror, ready bool) *cobra.Command {
	return &cobra.Command{
		Use: "strays", Short: "List what bears this installation's mark at the phone provider and belongs to no row",
		Args: cobra.NoArgs, SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !ready {
				return errors.New("strays: there is no key: nothing could be looked at; set VAPI_API_KEY")
			}
			if err := app.RunAllMigrations(); err != nil {
				return err
			}
			strays, err := copies.Strays(cmd.Context())
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			if len(strays) == 0 {
				fmt.Fprintln(w, "Nothing is left over at the provider.")
			} else {
				fmt.Fprintln(w, "KIND\tNAME\tID\tCREATED\tWHY\tPRICE\tROW\tORGANIZATION")
			}
			for _, s := range strays {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
					s.Collection, s.Name, s.ID, s.Created.UTC().Format("2006-01-02 15:04"), s.Reason, priceWords(s.Price),
					s.Record, s.Organization)
			}
			fmt.Fprintln(w, "What was made in the last ten minutes is not looked at.")
			return w.Flush()
		},
	}
}

func priceWords(price string) string {
	switch price {
	case "":
		return "nothing"
	case "free_number":
		return "one of the account's five free numbers"
	case "carrier":
		return "what its carrier asks"
	}
	return price
}
