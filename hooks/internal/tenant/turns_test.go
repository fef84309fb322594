package tenant_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// slowDesk is a desk whose lists of calls, and a page beside them, end when they are let.
type slowDesk struct {
	*desk
	began chan string // whose list runs
	end   chan string // what becomes of it: "", or "panic"
}

func serveSlowly(t *testing.T) *slowDesk {
	d := &slowDesk{began: make(chan string), end: make(chan string)}
	read := func(e *core.RequestEvent) {
		d.began <- e.Auth.Id
		if <-d.end == "panic" {
			panic("a list fell over")
		}
	}
	d.desk = serve(t, register, func(app core.App) {
		app.OnRecordsListRequest(collections.Calls).BindFunc(func(e *core.RecordsListRequestEvent) error {
			read(e.RequestEvent)
			return e.Next()
		})
		app.OnServe().BindFunc(func(se *core.ServeEvent) error {
			se.Router.GET("/slow/{organization}", func(e *core.RequestEvent) error {
				if _, err := tenant.InPath(e); err != nil {
					return err
				}
				done, err := tenant.Turn(e)
				if err != nil {
					return err
				}
				defer done()
				read(e)
				return e.NoContent(http.StatusNoContent)
			})
			return se.Next()
		})
	})
	return d
}

// start asks for something in the background. The channel gives the status.
func (d *slowDesk) start(ctx context.Context, t *testing.T, person, target string) <-chan int {
	req := httptest.NewRequestWithContext(ctx, "GET", target, nil)
	for k, v := range testkit.As(t, person) {
		req.Header.Set(k, v)
	}
	status := make(chan int, 1)
	go func() {
		w := httptest.NewRecorder()
		d.mux.ServeHTTP(w, req)
		status <- w.Code
	}()
	return status
}

func TestTurns_are_shared_by_organization(t *testing.T) {
	for name, one := range map[string]struct {
		pages      bool
		acme, bolt string
	}{
		"pages of ours": {true, "/slow/" + testkit.Acme, "/slow/" + testkit.Bolt},
		"lists with filters": {false, "/api/collections/calls/records?skipTotal=1&filter=summary~'x'%26%26organization='" + testkit.Acme + "'",
			"/api/collections/calls/records?skipTotal=1&filter=summary~'x'&organization=" + testkit.Bolt},
	} {
		t.Run(name, func(t *testing.T) {
			d := serveSlowly(t)
			waiting := func(n int) {
				t.Helper()
				for tenant.Waiting(d.app, one.pages) != n {
					if t.Context().Err() != nil {
						t.Fatal("the test is over")
					}
					runtime.Gosched()
				}
			}
			began := func(people ...string) {
				t.Helper()
				for _, person := range people {
					if got := <-d.began; got != testkit.User(person) {
						t.Errorf("the turn is %s's, want %s's", got, person)
					}
				}
			}
			var answers []<-chan int
			ask := func(person, target string) {
				answers = append(answers, d.start(t.Context(), t, person, target))
			}
			ask(testkit.AcmeOwner, one.acme)
			began(testkit.AcmeOwner)
			ask(testkit.AcmeManager, one.acme)
			began(testkit.AcmeManager)
			ask(testkit.AcmeAdmin, one.acme)
			waiting(1)
			ask(testkit.BoltOwner, one.bolt)
			waiting(2)
			gone, leave := context.WithCancel(t.Context())
			left := d.start(gone, t, testkit.Sam, one.acme)
			waiting(3)
			leave()
			<-left
			waiting(2)
			d.end <- "panic"
			began(testkit.BoltOwner) // Acme came before, and still has one
			d.end <- ""
			began(testkit.AcmeAdmin)
			d.end <- ""
			d.end <- ""
			fell := 0
			for _, answer := range answers {
				if status := <-answer; status >= http.StatusInternalServerError || status == http.StatusBadRequest {
					fell++
				}
			}
			if fell != 1 {
				t.Errorf("%d answers are refusals, want that of the list that fell over alone", fell)
			}
			if !tenant.Idle(d.app, one.pages) {
				t.Error("a turn was not given back")
			}
		})
	}
}
