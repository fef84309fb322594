package sealed

import (
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

// LoadKey returns the master key: value (POCKETLINE_KEY) when it is set, else
// the key in dataDir, else a new random one, written to dataDir with mode 0600.
// created is true only for the last case, so that the start can say so.
func LoadKey(value, dataDir string) (key []byte, created bool, err error) {
	if strings.TrimSpace(value) != "" {
		key, err = parseKey(value)
		return key, false, err
	}
	path := filepath.Join(dataDir, KeyFile)
	key, err = readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	key = make([]byte, KeySize)
	rand.Read(key) // never fails (crypto/rand)
	err = writeKey(path, key)
	if errors.Is(err, fs.ErrExist) { // another process was faster
		key, err = readKey(path)
		return key, false, err
	}
	return key, err == nil, err
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

func readKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, 0o600); err != nil {
			return nil, fmt.Errorf("close the master key to others: %w", err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	key, err := parseKey(strings.TrimSpace(string(data)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", KeyFile, err)
	}
	return key, nil
}

// writeKey makes the file appear whole or not at all: a key cut short by a
// power failure would make every secret unreadable.
func writeKey(path string, key []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write the master key: %w", err)
	}
	f, err := os.CreateTemp(dir, KeyFile+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write the master key: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Link(f.Name(), path) // fails when the file exists
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
