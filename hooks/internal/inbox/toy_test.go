package inbox

import (
	"context"
	"crypto/hmac"
	"net/http"
	"net/url"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/keyring"
)

// The toy is a second provider, made like Twilio: forms, a signature over the address
// and the sorted fields by the token of an account, a GET before anything comes, and
// answers in XML. Everything in this file is its door.

var toyAnswers = map[string]func(context.Context) Reply{
	"ring": func(context.Context) Reply { return toyXML("<Response><Say>Hello</Say></Response>") },
}

func toyXML(text string) Reply { return Reply{Type: "text/xml", Bytes: []byte(text)} }

func toy(app core.App, tokens map[string]string) Source {
	return Source{
		Provider: "twilio", Paths: map[string]string{toyText: "text", toyRing: "ring", toyOver: end},
		Probe: "OK", Limit: 8 << 10, Rate: 5, Refusal: http.StatusForbidden, Received: toyXML("<Response/>"),
		Verify: func(r *http.Request) (keyring.Proof, Signed, error) {
			given := r.Header.Get("X-Toy-Signature")
			if given == "" {
				return keyring.Proof{}, nil, keyring.ErrUnknown
			}
			return keyring.Proof{}, func(body []byte) (keyring.Proof, error) {
				form, err := url.ParseQuery(string(body))
				account := form.Get("Account")
				if err != nil || !hmac.Equal([]byte(given), toySign(tokens[account], r.URL.RequestURI(), form)) {
					return keyring.Proof{}, keyring.ErrUnknown
				}
				return keyring.For(account), nil
			}, nil
		},
		Read: func(ctx context.Context, in Incoming) (*Letter, error) {
			said, err := in.Form("Sid", "From", "To")
			if err != nil || said["Sid"] == "" {
				return nil, ErrUnread
			}
			organization, err := toyOwner(ctx, app, said["To"])
			return &Letter{
				Organization: organization, Answer: toyAnswers[in.Type],
				Message: func() Message {
					return Message{Key: said["Sid"] + ":" + in.Type, Type: in.Type, Last: in.Type == end, Payload: said.Payload()}
				},
				Apply: func(tx *Tx) (func(), error) { return nil, toyHeard(tx, organization, said) },
			}, err
		},
	}
}
