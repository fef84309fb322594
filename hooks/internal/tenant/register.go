package tenant

import (
	"net/http"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/chain"
)

// Register binds what keeps requests and rows inside one organization, and
// answers within their limits.
func Register(app core.App, l AnswerLimits) {
	l = l.filled()
	d := directoryOf(app)
	d.watch(app)
	g, answers := newGuard(l.Lists), newBudget(l.Bytes)
	app.Store().Set(guardKey, g)

	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.Bind(identify(d), stillActive(), bound(l, answers), askGate(), pin(g, l.Page), fillOrganization())
		return se.Next()
	})

	app.OnRealtimeSubscribeRequest().Bind(&hook.Handler[*core.RealtimeSubscribeRequestEvent]{
		Id: "pocketlineStreamFilters", Priority: 10, Func: checkStreamFilters, // once the hub has bounded them
	})
	bindMask(app)
	app.OnRecordCreateRequest().BindFunc(onCreateRequest)
	app.OnRecordUpdateRequest().BindFunc(onUpdateRequest)
	app.OnRecordCreateRequest().BindFunc(taken)
	app.OnRecordUpdateRequest().BindFunc(taken)
	app.OnRecordCreateRequest().BindFunc(expandFirst)
	app.OnRecordUpdateRequest().BindFunc(expandFirst)
	app.OnRecordUpdateRequest().BindFunc(answerUnchanged)
	app.OnRecordUpdate().Bind(stopUnchanged)
	app.OnRecordCreate().Bind(orderedID)
	app.OnRecordValidate().BindFunc(onValidate)
}

// identify finds the caller of a header token in memory.
func identify(d *directory) *hook.Handler[*core.RequestEvent] {
	return chain.Middleware(chain.Identify, func(e *core.RequestEvent) error {
		if e.Auth == nil {
			if token := Bearer(e.Request); token != "" {
				e.Auth = d.person(e.App, token)
			}
		}
		return e.Next()
	})
}

// Bearer is the token of the Authorization header, with or without "Bearer".
func Bearer(r *http.Request) string {
	token := r.Header.Get("Authorization")
	if len(token) > 7 && strings.EqualFold(token[:7], "Bearer ") {
		return token[7:]
	}
	return token
}

// stillActive treats a person who was deactivated as a guest, whatever token
// they hold: PocketBase asks the AuthRule only at sign-in.
func stillActive() *hook.Handler[*core.RequestEvent] {
	return chain.Middleware(chain.StillActive, func(e *core.RequestEvent) error {
		if e.Auth != nil && e.Auth.Collection().Name == collections.Users && !e.Auth.GetBool("is_active") {
			e.Auth = nil
		}
		return e.Next()
	})
}
