package sealed

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// KeySize is the length of the master key in bytes (AES-256).
const KeySize = 32

// KeyFile is where the master key lies inside the data directory when the
// environment does not give one. The leading dot keeps it out of listings;
// PocketBase's backups do contain it, so a backup equals full control
// (security.md S34) and is stored accordingly.
const KeyFile = ".pocketline_key"

// ErrKey says that the text given as master key is not one. It never contains
// the text.
var ErrKey = errors.New("the key must be 32 bytes: as they are, as 64 hexadecimal digits, or as 44 characters of base64")

// Given says where the master keys come from.
type Given struct {
	// Key and Before are the content of POCKETLINE_KEY and POCKETLINE_KEY_BEFORE.
	Key, Before string
	// Dir is the data directory.
	Dir string
}

// Keys are the master key and, while secrets are being sealed again, the one
// before it.
type Keys struct {
	Key    []byte
	Before []byte // nil when there is none
	// Made says that the key was made just now.
	Made bool
}

// Equal tells whether these are the same keys.
func (k Keys) Equal(other Keys) bool {
	return bytes.Equal(k.Key, other.Key) && bytes.Equal(k.Before, other.Before)
}

// Load returns the master key: POCKETLINE_KEY when it is set, else the one in
// the data directory, else a new random one, written there with mode 0600. The
// key before it is POCKETLINE_KEY_BEFORE or the file's second line.
func (g Given) Load() (k Keys, err error) {
	if strings.TrimSpace(g.Key) != "" {
		if k.Key, err = parseKey(g.Key); err != nil {
			return Keys{}, fmt.Errorf("POCKETLINE_KEY: %w", err)
		}
	} else if k, err = g.file(); err != nil {
		return Keys{}, err
	}
	if strings.TrimSpace(g.Before) == "" {
		return k, nil
	}
	if k.Before != nil {
		return Keys{},
			fmt.Errorf("unset POCKETLINE_KEY_BEFORE: %s holds the key before already, `pocketline rotate-key` finishes with it",
				KeyFile)
	}
	if k.Before, err = parseKey(g.Before); err != nil {
		return Keys{}, fmt.Errorf("POCKETLINE_KEY_BEFORE: %w", err)
	}
	if bytes.Equal(k.Key, k.Before) {
		k.Before = nil
	}
	return k, nil
}

// Missing tells whether a key would have to be made.
func (g Given) Missing() bool {
	if strings.TrimSpace(g.Key) != "" {
		return false
	}
	_, err := os.Stat(g.Path())
	return errors.Is(err, fs.ErrNotExist)
}

// Path is where the key file lies, or would.
func (g Given) Path() string { return filepath.Join(g.Dir, KeyFile) }

// file is the keys in the data directory; one is made when there is none.
func (g Given) file() (Keys, error) {
	k, err := readKeys(g.Path())
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	k = Keys{Key: newKey(), Made: true}
	err = writeKeys(g.Path(), k, os.Link) // fails when the file exists
	if errors.Is(err, fs.ErrExist) {      // another process was faster
		return readKeys(g.Path())
	}
	return k, err
}

// Begin puts a new key before the one in use. The file holds both until Finish,
// so that nothing becomes unreadable however this ends. k is what Load returned.
func (g Given) Begin(k Keys) (Keys, error) {
	if k.Before != nil { // given, or begun earlier
		return k, nil
	}
	if strings.TrimSpace(g.Key) != "" {
		return Keys{},
			errors.New("POCKETLINE_KEY is the key in use: set POCKETLINE_KEY to the new key and POCKETLINE_KEY_BEFORE to this one")
	}
	k = Keys{Key: newKey(), Before: k.Key}
	return k, writeKeys(g.Path(), k, os.Rename)
}

// Finish drops the key before from the file. One that came from the environment
// is dropped there, by whoever set it.
func (g Given) Finish(k Keys) error {
	if strings.TrimSpace(g.Key) != "" || strings.TrimSpace(g.Before) != "" {
		return nil
	}
	return writeKeys(g.Path(), Keys{Key: k.Key}, os.Rename)
}

func newKey() []byte {
	key := make([]byte, KeySize)
	rand.Read(key) // never fails (crypto/rand)
	return key
}

func parseKey(value string) ([]byte, error) {
	if len(value) == KeySize {
		return []byte(value), nil
	}
	text := strings.TrimSpace(value)
	if len(text) == KeySize*2 {
		if key, err := hex.DecodeString(text); err == nil {
			return key, nil
		}
	}
	plain := strings.TrimRight(text, "=")
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if key, err := encoding.DecodeString(plain); err == nil && len(key) == KeySize {
			return key, nil
		}
	}
	if len(text) == KeySize {
		return []byte(text), nil
	}
	return nil, ErrKey
}

func readKeys(path string) (Keys, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Keys{}, fmt.Errorf("read the master key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, 0o600); err != nil {
			return Keys{}, fmt.Errorf("close the master key to others: %w", err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Keys{}, fmt.Errorf("read the master key: %w", err)
	}
	text := strings.TrimSpace(string(data))
	if key, err := parseKey(text); err == nil {
		return Keys{Key: key}, nil
	}
	first, second, _ := strings.Cut(text, "\n")
	key, err := parseKey(first)
	before, errBefore := parseKey(second)
	if err != nil || errBefore != nil {
		return Keys{}, fmt.Errorf("%s: %w", KeyFile, ErrKey)
	}
	return Keys{Key: key, Before: before}, nil
}

// writeKeys makes the file appear whole or not at all: a key cut short by a
// power failure would make every secret unreadable. put gives the written file
// its name.
func writeKeys(path string, k Keys, put func(from, to string) error) error {
	text := base64.StdEncoding.EncodeToString(k.Key) + "\n"
	if k.Before != nil {
		text += base64.StdEncoding.EncodeToString(k.Before) + "\n"
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write the master key: %w", err)
	}
	f, err := os.CreateTemp(dir, KeyFile+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write the master key: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = put(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the master key: %w", err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("write the master key: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
