package hooks

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
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
	// Made is the path of the file when the key was made just now, else "".
	Made string
}

// LoadKeys returns the keys: from value, the content of POCKETLINE_KEY, or else
// from the data directory, where a key is made when there is none.
func LoadKeys(value, dataDir string) (Keys, error) {
	master, created, err := sealed.LoadKey(value, dataDir)
	if err != nil {
		return Keys{}, fmt.Errorf("POCKETLINE_KEY: %w", err)
	}
	k := Keys{Master: master}
	for purpose, key := range map[string]*string{"pocketbase settings": &k.Settings, "vapi webhook secret": &k.Webhook} {
		derived, err := hkdf.Key(sha256.New, master, nil, purpose, 16)
		if err != nil {
			return Keys{}, err
		}
		*key = hex.EncodeToString(derived)
	}
	if created {
		k.Made = filepath.Join(dataDir, sealed.KeyFile)
	}
	return k, nil
}

// SetupCode is what a visitor from elsewhere shows to make the first account; ""
// once there is one.
func SetupCode(app core.App) (string, error) { return system.SetupCode(app) }

// NoKeys are for commands that open no data, so that nothing gets sealed.
func NoKeys() Keys { return Keys{Master: make([]byte, sealed.KeySize), Webhook: "unused"} }

// given is a secret that may be missing.
func given(secret string) []string {
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
