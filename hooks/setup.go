package hooks

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"

	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

// Keys are what seals stored secrets.
type Keys struct {
	// Master is the master key, 32 bytes.
	Master []byte
	// Settings is derived from it for PocketBase's own settings: 32 characters.
	Settings string
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
	derived, err := hkdf.Key(sha256.New, master, nil, "pocketbase settings", 16)
	if err != nil {
		return Keys{}, err
	}
	k := Keys{Master: master, Settings: hex.EncodeToString(derived)}
	if created {
		k.Made = filepath.Join(dataDir, sealed.KeyFile)
	}
	return k, nil
}

// NoKeys are for commands that open no data, so that nothing gets sealed.
func NoKeys() Keys { return Keys{Master: make([]byte, sealed.KeySize)} }
