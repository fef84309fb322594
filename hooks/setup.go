package hooks

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/system"
	"github.com/pocketline/pocketline/providers"
	"github.com/pocketline/pocketline/providers/vapi"
)

// Keys are what seals stored secrets.
type Keys struct {
	// Master is the master key, 32 bytes.
	Master []byte
	// Settings is derived from it for PocketBase's own settings: 32 characters.
	Settings string
	// Webhook is derived from it too: what Vapi presented before each
	// organization had a secret of its own.
	Webhook string
	// Before are the keys these replace; nil when they replace none.
	Before *Keys
	// Made is the path of the file when the key was made just now, else "".
	Made string
}

// LoadKeys returns the keys: from the environment or else from the data
// directory, where a key is made when there is none.
func LoadKeys(c providers.Config, dataDir string) (Keys, error) {
	master, err := given(c, dataDir).Load()
	if err != nil {
		return Keys{}, err
	}
	k, err := derive(master)
	if master.Made {
		k.Made = given(c, dataDir).Path()
	}
	return k, err
}

// given says where the master keys come from.
func given(c providers.Config, dataDir string) sealed.Given {
	return sealed.Given{Key: c.Key, Before: c.KeyBefore, Dir: dataDir}
}

// derive makes the keys that come from the master keys.
func derive(master sealed.Keys) (Keys, error) {
	k := Keys{Master: master.Key}
	for purpose, key := range map[string]*string{"pocketbase settings": &k.Settings, "vapi webhook secret": &k.Webhook} {
		derived, err := hkdf.Key(sha256.New, master.Key, nil, purpose, 16)
		if err != nil {
			return Keys{}, err
		}
		*key = hex.EncodeToString(derived)
	}
	if master.Before != nil {
		before, err := derive(sealed.Keys{Key: master.Before})
		if err != nil {
			return Keys{}, err
		}
		k.Before = &before
	}
	return k, nil
}

// masters are the master keys alone.
func (k Keys) masters() sealed.Keys {
	m := sealed.Keys{Key: k.Master}
	if k.Before != nil {
		m.Before = k.Before.Master
	}
	return m
}

// webhooks are the derived secrets of webhooks, each key's.
func (k Keys) webhooks() []string {
	all := []string{k.Webhook}
	if k.Before != nil {
		all = append(all, k.Before.Webhook)
	}
	return all
}

// SetupCode is what a visitor from elsewhere shows to make the first account; ""
// once there is one.
func SetupCode(app core.App) (string, error) { return system.SetupCode(app) }

// CheckSetup says what is wrong with the flags of `setup`, before anything is made.
func CheckSetup(args []string) error { return system.CheckFlags(args) }

// NoKeys are for commands that open no data, so that nothing gets sealed.
func NoKeys() Keys { return Keys{Master: make([]byte, sealed.KeySize), Webhook: "unused"} }

// configured is a secret that may be missing.
func configured(secret string) []string {
	if secret == "" {
		return nil
	}
	return []string{secret}
}

// hmacOf is the configuration in the client's words.
func hmacOf(h providers.HMAC) vapi.HMACConfig {
	if h.Secret == "" {
		return vapi.HMACConfig{}
	}
	return vapi.HMACConfig{
		Secrets: []string{h.Secret}, Algorithm: h.Algorithm, SignatureHeader: h.Header, TimestampHeader: h.TimestampHeader,
		SignaturePrefix: h.Prefix, PayloadFormat: h.Format, Encoding: h.Encoding,
		// A credential that signs no time has it nowhere in its format.
		NoTimestamp: !strings.Contains(h.Format, "{timestamp}"),
	}
}

// Bounded is PocketBase's configuration with the database opened for a small
// machine and for power cuts, and Go's memory bounded by the machine's.
func Bounded(c pocketbase.Config) pocketbase.Config {
	database.LimitMemory()
	database.ShareProcessor()
	c.DBConnect = database.Connect
	c.DataMaxOpenConns, c.DataMaxIdleConns = database.DataOpen, database.DataIdle
	c.AuxMaxOpenConns, c.AuxMaxIdleConns = database.AuxOpen, database.AuxIdle
	return c
}
