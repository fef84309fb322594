package identity

import (
	"errors"
	"strings"

	"github.com/golang-jwt/jwt/v5"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"
)

// from is the claim of a file token that says what it came from: a session or a
// key. The file token is good as long as that is.
const (
	from        = "from"
	fromSession = "session:"
	fromKey     = "key:"
)

// errFileToken says that a file token is worth nothing any more.
var errFileToken = errors.New("the file token, or what it came from, has ended")

// fileToken binds the token PocketBase is about to hand out to the session or
// key that asks for it.
func (i *Identity) fileToken(e *core.FileTokenRequestEvent) error {
	if !person(e.Record) {
		return e.Next()
	}
	origin := fromSession + Session(e.RequestEvent)
	if id := Key(e.RequestEvent); id != "" {
		origin = fromKey + id
	}
	c := e.Record.Collection()
	token, err := security.NewJWT(jwt.MapClaims{
		core.TokenClaimType: core.TokenTypeFile, core.TokenClaimId: e.Record.Id, core.TokenClaimCollectionId: c.Id, from: origin,
	}, e.Record.TokenKey()+c.FileToken.Secret, c.FileToken.DurationTime())
	if err != nil {
		return e.InternalServerError("", err)
	}
	e.Token = token
	return e.Next()
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
		if k, err := i.key(e.App, p.key); err == nil && i.standing(e.App, k).State == KeyPaused {
			return e.ForbiddenError(keyPaused, nil)
		}
		return e.NotFoundError("", errFileToken)
	}
	p.give(user)
	return nil
}
