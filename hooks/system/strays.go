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
)

// This file shows what is left over at the phone provider: objects with our mark
// that no row names. The daily sweep removes second copies by itself; the rest
// may be another installation's, or cost a number somebody rings, so a person
// decides.

// straysPatience is how long somebody who looks at a page waits for the provider.
const straysPatience = 10 * time.Second

func (s *system) showStrays(e *core.RequestEvent) error {
	ctx, cancel := context.WithTimeout(e.Request.Context(), straysPatience)
	defer cancel()
	strays, err := s.Copies.Strays(ctx)
	if err != nil {
		e.App.Logger().Warn("what is left over at the provider cannot be listed", "error", err)
		return facade.Error(http.StatusBadGateway, "The phone provider did not answer; try again in a minute")
	}
	return e.JSON(http.StatusOK, map[string]any{"strays": strays})
}

func (s *system) removeStray(e *core.RequestEvent) error {
	var body struct {
		Collection string `json:"collection"`
		ID         string `json:"id"`
	}
	if err := e.BindBody(&body); err != nil {
		return facade.Error(http.StatusBadRequest, "The body could not be read")
	}
	for _, field := range []struct{ name, value string }{{"collection", body.Collection}, {"id", body.ID}} {
		if field.value == "" {
			return facade.Invalid(map[string]string{field.name: "Required"})
		}
	}
	err := s.Copies.RemoveStray(e.Request.Context(), body.Collection, body.ID)
	switch {
	case errors.Is(err, mirror.ErrNotStray):
		return facade.Error(http.StatusConflict, "This belongs to a row by now, or is not ours: it stays")
	case err != nil:
		e.App.Logger().Warn("what is left over at the provider was not removed", "error", err)
		return facade.Error(http.StatusBadGateway, "The phone provider did not answer; try again in a minute")
	}
	if err := audit.Add(e.App, audit.Entry{
		Actor: audit.ActorOf(e), Action: "installation.remove_stray", Details: map[string]any{"collection": body.Collection, "copy": body.ID},
	}); err != nil {
		return err
	}
	return e.JSON(http.StatusOK, map[string]any{"removed": true})
}

// confirmRestored takes the operator's word that no other server uses what the
// restored database names at the phone provider.
func (s *system) confirmRestored(e *core.RequestEvent) error {
	if err := s.Copies.Confirm(); err != nil {
		return err
	}
	if err := audit.Add(e.App, audit.Entry{Actor: audit.ActorOf(e), Action: "installation.confirm_restored"}); err != nil {
		return err
	}
	return e.JSON(http.StatusOK, map[string]any{"confirmed": true})
}

// StraysCommand is `pocketline strays`: the same list on the console.
func StraysCommand(app core.App, copies *mirror.Mirror) *cobra.Command {
	return &cobra.Command{
		Use: "strays", Short: "List what bears this installation's mark at the phone provider and belongs to no row", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := app.RunAllMigrations(); err != nil {
				return err
			}
			strays, err := copies.Strays(cmd.Context())
			if err != nil {
				return err
			}
			if len(strays) == 0 {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "Nothing is left over at the provider.")
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "KIND\tNAME\tID\tCREATED\tWHY\tPRICE\tROW\tORGANIZATION")
			for _, s := range strays {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
					s.Collection, s.Name, s.ID, s.Created.UTC().Format("2006-01-02 15:04"), s.Reason, priceWords(s.Price), s.Record, s.Organization)
			}
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
