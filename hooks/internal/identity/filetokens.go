package identity

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"

	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// from is the claim of a file token that says what it came from: a session or a
// key. The file token is good as long as that is.
const (
	from        = "from"
	fromSession = "session:"
	fromKey     = "key:"
	// only is the claim that says which path it opens; others open all files.
	only = "only"
)

// errFileToken says that a file token is worth nothing any more.
var errFileToken = errors.New("the file token, or what it came from, has ended")

// fileToken binds the token PocketBase is about to hand out to the session or
// key that asks for it.
func (i *Identity) fileToken(e *core.FileTokenRequestEvent) error {
	if !tenant.IsPerson(e.Record) {
		return e.Next()
	}
	token, err := fileTokenOf(e.RequestEvent, e.Record, nil, e.Record.Collection().FileToken.DurationTime())
	if err != nil {
		return e.InternalServerError("", err)
	}
	e.Token = token
	return e.Next()
}

// fileTokenOf is a file token for what the request came with.
func fileTokenOf(e *core.RequestEvent, user *core.Record, more jwt.MapClaims, length time.Duration) (string, error) {
	origin := fromSession + Session(e)
	if id := Key(e); id != "" {
		origin = fromKey + id
	}
	c := user.Collection()
	claims := jwt.MapClaims{
		core.TokenClaimType: core.TokenTypeFile, core.TokenClaimId: user.Id, core.TokenClaimCollectionId: c.Id, from: origin,
	}
	maps.Copy(claims, more)
	return security.NewJWT(claims, user.TokenKey()+c.FileToken.Secret, length)
}

// signedFor is how long an address of a file that an answer shows opens it.
const signedFor = 15 * time.Minute

// FilePath is the path of a file as an answer shows it to the caller: with a
// token for this file alone, so that a page can show it that has only the
// address. It ends with the session or key of the request.
func FilePath(e *core.RequestEvent, path string) string {
	if !tenant.IsPerson(e.Auth) || path == "" {
		return path
	}
	at, err := url.Parse(path)
	if err != nil {
		return path
	}
	token, err := fileTokenOf(e, e.Auth, jwt.MapClaims{only: at.Path}, signedFor)
	if err != nil {
		e.App.Logger().Error("address of a file not signed", "error", err)
		return path
	}
	return path + "?token=" + token
}

// fileRoutes are routes of ours that send a file and take its token as well.
var fileRoutes = []string{"GET /api/calls/{id}/recording"}

// byFileToken lets a guest in whom the token of one of those names.
func (i *Identity) byFileToken(e *core.RequestEvent) {
	if e.Auth != nil || !slices.Contains(fileRoutes, e.Request.Pattern) || e.Request.URL.Query().Get("token") == "" {
		return
	}
	if err := i.bearFile(e); err != nil {
		e.Auth = nil // a guest, as with any other token that is worth nothing
	}
}

// bearFile makes the caller of a download whom the file token names, in the
// session or with the key it came from, so that whatever looks at the request
// sees who asks. Whether the rule shows them the row was decided before.
func (i *Identity) bearFile(e *core.RequestEvent) error {
	token := e.Request.URL.Query().Get("token")
	user, err := e.App.FindAuthRecordByToken(token, core.TokenTypeFile)
	if err != nil {
		return e.NotFoundError("", err)
	}
	e.Auth = user
	if user.IsSuperuser() {
		return nil
	}
	if !user.GetBool("is_active") {
		return e.NotFoundError("", errFileToken)
	}
	claims, err := security.ParseUnverifiedJWT(token) // verified above
	if err != nil {
		return e.NotFoundError("", err)
	}
	if path, bound := claims[only].(string); bound && path != e.Request.URL.Path {
		return e.NotFoundError("", errFileToken)
	}
	origin, _ := claims[from].(string)
	p := proof{address: e.RealIP()}
	if id, ok := strings.CutPrefix(origin, fromKey); ok {
		p.key = id
	} else {
		p.session = strings.TrimPrefix(origin, fromSession)
	}
	stands, err := i.stands(e.App, user, p)
	if err != nil {
		return e.InternalServerError("", err)
	}
	if !stands {
		if k, err := i.Keys.key(e.App, p.key); err == nil && i.Keys.standing(e.App, k).State == KeyPaused {
			return refusal.Of("key_paused")
		}
		return e.NotFoundError("", errFileToken)
	}
	p.give(user)
	return nil
}
