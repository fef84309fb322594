package tenant

import (
	"net/http"
	"strings"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/collections"
)

// Register binds what keeps requests and rows inside one organization.
func Register(app core.App) {
	d := directoryOf(app)
	d.watch(app)
	g := newGuard()

	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.Bind(identify(d), stillActive(), bound(answerLimits(se.App)), askGate(), pin(g))
		return se.Next()
	})

	app.OnRealtimeSubscribeRequest().Bind(&hook.Handler[*core.RealtimeSubscribeRequestEvent]{
		Id: "pocketlineStreamFilters", Priority: 10, Func: checkStreamFilters, // once the hub has bounded them
	})
	app.OnRecordCreateRequest().BindFunc(onCreateRequest)
	app.OnRecordUpdateRequest().BindFunc(onUpdateRequest)
	app.OnRecordCreateRequest().BindFunc(expandFirst)
	app.OnRecordUpdateRequest().BindFunc(expandFirst)
	app.OnRecordCreate().Bind(orderedID)
	app.OnRecordValidate().BindFunc(onValidate)
}

// identify finds the caller of a header token in memory.
func identify(d *directory) *hook.Handler[*core.RequestEvent] {
	return &hook.Handler[*core.RequestEvent]{
		Id:       "pocketlineIdentify",
		Priority: apis.DefaultLoadAuthTokenMiddlewarePriority - 1,
		Func: func(e *core.RequestEvent) error {
			if e.Auth == nil {
				if token := bearer(e.Request); token != "" {
					e.Auth = d.person(e.App, token)
				}
			}
			return e.Next()
		},
	}
}

func bearer(r *http.Request) string {
	token := r.Header.Get("Authorization")
	if len(token) > 7 && strings.EqualFold(token[:7], "Bearer ") {
		return token[7:]
	}
	return token
}

// stillActive treats a person who was deactivated as a guest, whatever token
// they hold: PocketBase asks the AuthRule only at sign-in.
func stillActive() *hook.Handler[*core.RequestEvent] {
	return &hook.Handler[*core.RequestEvent]{
		Id:       "pocketlineStillActive",
		Priority: apis.DefaultLoadAuthTokenMiddlewarePriority + 1,
		Func: func(e *core.RequestEvent) error {
			if e.Auth != nil && e.Auth.Collection().Name == collections.Users && !e.Auth.GetBool("is_active") {
				e.Auth = nil
			}
			return e.Next()
		},
	}
}
