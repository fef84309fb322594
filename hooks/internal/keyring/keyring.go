// Package keyring knows the secrets by which providers prove that a message is
// theirs: one for each organization and provider, kept sealed in
// provider_accounts (security.md S27).
//
// Held looks at what the head of a message carries and answers, from memory and
// before anything of the body is read, for whom the message may speak: a secret
// of one organization vouches for that organization's rows and no others.
//
// Secret is what copies at a provider are told to present. Rotate makes a new
// one; the one before stays good until every copy has been told the new one and
// the calls that began before are over (end.go).
//
// Beside them stand secrets of the whole installation: those whoever runs it
// configured, which vouch for everybody, and the one that was derived from the
// master key before organizations had their own. That one vouches only for
// organizations that still have copies with it.
package keyring

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	syncatomic "sync/atomic"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

// ErrUnknown says that a text is nobody's secret.
var ErrUnknown = errors.New("keyring: this is nobody's secret")

const (
	// secretSize is the size of a new secret in bytes.
	secretSize = 32
	// keptBefore is how many earlier secrets stay good at once: somebody may
	// rotate again before every copy has heard of the last time.
	keptBefore = 4
)

// The columns of provider_accounts this package writes.
const (
	current      = "webhook_secret"
	before       = "webhook_secret_before"
	changedAt    = "secret_changed_at"
	installation = "installation_secret"
)

// Installation are the secrets of one provider that belong to no organization.
type Installation struct {
	// Given are those whoever runs the server configured.
	Given []string
	// Derived are what copies carried before organizations had secrets: one of
	// the master key, and one of the key before while that is being replaced.
	Derived []string
}

// Keyring holds the secrets. Make one with New; safe for concurrent use.
type Keyring struct {
	app    core.App
	box    *sealed.Box
	shared map[string]Installation // by provider
	now    func() time.Time

	making sync.Mutex // a secret is made once
	ring   syncatomic.Pointer[ring]
	age    syncatomic.Int64 // counts changes: a reading that began before one is not kept
}

// ring is what is in memory.
type ring struct {
	proofs  map[digest]Proof
	current map[holder]string
}

type digest = [sha256.Size]byte

// holder is whose a secret is.
type holder struct{ provider, organization string }

// Proof says for whom a message may speak.
type Proof struct {
	organization string
	everybody    bool
	leaving      map[string]bool // organizations that still have copies with the derived secret
}

// Operator is the proof of a message that carries what whoever runs the server
// configured for all of it: a secret, or the key of a signature.
var Operator = Proof{everybody: true}

// For is the proof of a message that speaks for one organization and no other.
func For(organization string) Proof { return Proof{organization: organization} }

// Covers tells whether the proof speaks for an organization. What belongs to
// nobody ("") any proof may bring.
func (p Proof) Covers(organization string) bool {
	return organization == "" || p.everybody || p.organization == organization || p.leaving[organization]
}

// Organization is the only one the proof speaks for; "" when there is no such.
func (p Proof) Organization() string { return p.organization }

// Unlimited tells whether the proof speaks for every organization.
func (p Proof) Unlimited() bool { return p.everybody }

// New returns the keyring of an app. shared are the installation's secrets by
// provider.
func New(app core.App, box *sealed.Box, shared map[string]Installation) *Keyring {
	k := &Keyring{app: app, box: box, shared: shared, now: time.Now}
	forget := func(e *core.RecordEvent) error {
		k.forget()
		return e.Next()
	}
	app.OnRecordAfterCreateSuccess(collections.ProviderAccounts).BindFunc(forget)
	app.OnRecordAfterUpdateSuccess(collections.ProviderAccounts).BindFunc(forget)
	app.OnRecordAfterDeleteSuccess(collections.ProviderAccounts, collections.Organizations).BindFunc(forget)
	return k
}

// Held says for whom a message may speak that carries this text. The error is
// ErrUnknown for anything but a secret, or the database's.
func (k *Keyring) Held(provider, text string) (Proof, error) {
	if text == "" {
		return Proof{}, ErrUnknown
	}
	sum := digestOf(provider, text)
	// The configured ones hold although the database does not answer.
	for _, given := range k.shared[provider].Given {
		want := digestOf(provider, given)
		if given != "" && subtle.ConstantTimeCompare(sum[:], want[:]) == 1 {
			return Operator, nil
		}
	}
	r, err := k.read()
	if err != nil {
		return Proof{}, err
	}
	// What is looked up is a hash: how long that takes tells nothing of a secret.
	if p, ok := r.proofs[sum]; ok {
		return p, nil
	}
	return Proof{}, ErrUnknown
}

// Secret is what an organization's copies at a provider present. It is made when
// it is asked for the first time.
func (k *Keyring) Secret(provider, organization string) (string, error) {
	if organization == "" {
		return "", errors.New("keyring: a secret belongs to an organization")
	}
	of := holder{provider, organization}
	r, err := k.read()
	if err != nil {
		return "", err
	}
	if secret := r.current[of]; secret != "" {
		return secret, nil
	}
	k.making.Lock()
	defer k.making.Unlock()
	if r, err = k.read(); err != nil {
		return "", err
	}
	if secret := r.current[of]; secret != "" {
		return secret, nil
	}
	account, err := find(k.app, of)
	if err != nil {
		return "", err
	}
	secret, err := k.renew(account)
	if err == nil {
		err = k.app.Save(account)
	}
	if err != nil {
		return "", fmt.Errorf("keyring: %w", err)
	}
	return secret, nil
}

// Rotate gives an organization a new secret. The earlier ones stay good, or end
// at once where somebody else has seen them: then messages are refused until the
// copies have been told. Copies are told by whoever calls, in the same
// transaction.
func (k *Keyring) Rotate(tx core.App, provider, organization string, atOnce bool) (*core.Record, error) {
	account, err := find(tx, holder{provider, organization})
	if err != nil {
		return nil, err
	}
	var earlier []string
	for _, column := range []string{current, before} {
		text, err := k.box.Open(account.GetString(column), sealed.Place(account.Collection().Name, account.Id, column))
		if err != nil {
			return nil, err
		}
		earlier = append(earlier, strings.Fields(text)...)
	}
	if atOnce {
		earlier = nil
		account.Set(installation, false)
	}
	if err := k.keepBefore(account, earlier); err != nil {
		return nil, err
	}
	if _, err := k.renew(account); err != nil {
		return nil, err
	}
	return account, tx.Save(account)
}

// renew puts a new secret into an account.
func (k *Keyring) renew(account *core.Record) (string, error) {
	raw := make([]byte, secretSize)
	rand.Read(raw) // never fails (crypto/rand)
	secret := base64.RawURLEncoding.EncodeToString(raw)
	if account.Id == "" {
		account.Id = core.GenerateDefaultRandomId()
	}
	text, err := k.box.Seal(secret, sealed.Place(account.Collection().Name, account.Id, current))
	if err != nil {
		return "", err
	}
	account.Set(current, text)
	account.Set(changedAt, types.NowDateTime())
	return secret, nil
}

// keepBefore stores earlier secrets, the newest first.
func (k *Keyring) keepBefore(account *core.Record, secrets []string) error {
	secrets = secrets[:min(len(secrets), keptBefore)]
	text, err := k.box.Seal(strings.Join(secrets, " "), sealed.Place(account.Collection().Name, account.Id, before))
	if err != nil {
		return err
	}
	account.Set(before, text)
	return nil
}

// find returns the account of an organization, or a new one.
func find(app core.App, of holder) (*core.Record, error) {
	c, err := app.FindCachedCollectionByNameOrId(collections.ProviderAccounts)
	if err != nil {
		return nil, err
	}
	var all []*core.Record
	if err := app.RecordQuery(c).AndWhere(dbx.HashExp{"provider": of.provider,
		"organization": of.organization}).Limit(1).All(&all); err != nil {
		return nil, err
	}
	if len(all) > 0 {
		all[0].IgnoreUnchangedFields(true)
		return all[0], nil
	}
	account := core.NewRecord(c)
	account.Load(map[string]any{"provider": of.provider, "organization": of.organization})
	return account, nil
}

func (k *Keyring) forget() {
	k.age.Add(1)
	k.ring.Store(nil)
}

// row is what is read of an account.
type row struct {
	ID           string `db:"id"`
	Organization string `db:"organization"`
	Provider     string `db:"provider"`
	Current      string `db:"webhook_secret"`
	Before       string `db:"webhook_secret_before"`
	Installation bool   `db:"installation_secret"`
}

// read is the ring as the database has it, from memory while nothing changes.
func (k *Keyring) read() (*ring, error) {
	if r := k.ring.Load(); r != nil {
		return r, nil
	}
	age := k.age.Load()
	var rows []row
	err := k.app.DB().Select("id", "organization", "provider", current, before,
		installation).From(collections.ProviderAccounts).
		OrderBy("organization", "id").All(&rows)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	r := k.fill(rows)
	k.ring.Store(r)
	if k.age.Load() != age {
		k.ring.CompareAndSwap(r, nil) // something changed meanwhile
	}
	return r, nil
}

func (k *Keyring) fill(rows []row) *ring {
	r := &ring{proofs: map[digest]Proof{}, current: map[holder]string{}}
	leaving := map[string]map[string]bool{} // by provider
	for _, one := range rows {
		if one.Installation && one.Organization != "" {
			if leaving[one.Provider] == nil {
				leaving[one.Provider] = map[string]bool{}
			}
			leaving[one.Provider][one.Organization] = true
		}
	}
	derived := func(provider string, secrets ...string) {
		for _, s := range secrets {
			if s != "" {
				r.proofs[digestOf(provider, s)] = Proof{leaving: leaving[provider]}
			}
		}
	}
	for provider, shared := range k.shared {
		derived(provider, shared.Derived...)
	}
	for _, one := range rows {
		secrets := strings.Fields(k.open(one, before, one.Before))
		if one.Organization == "" { // derived from a master key that was replaced
			derived(one.Provider, secrets...)
			continue
		}
		if secret := k.open(one, current, one.Current); secret != "" {
			r.current[holder{one.Provider, one.Organization}] = secret
			secrets = append(secrets, secret)
		}
		for _, s := range secrets {
			r.proofs[digestOf(one.Provider, s)] = Proof{organization: one.Organization}
		}
	}
	return r
}

// open is a stored secret. One that does not open is as good as none: a new one
// is made, and the copies are told.
func (k *Keyring) open(one row, column, text string) string {
	plain, err := k.box.Open(text, sealed.Place(collections.ProviderAccounts, one.ID, column))
	if err != nil {
		k.app.Logger().Warn("a webhook secret does not open", "account", one.ID, "error", err)
	}
	return plain
}

// digestOf is what a secret is found by. The provider is part of it: what one
// provider presents proves nothing at another's door.
func digestOf(provider, secret string) digest {
	return sha256.Sum256(slices.Concat([]byte(provider), []byte{0}, []byte(secret)))
}
