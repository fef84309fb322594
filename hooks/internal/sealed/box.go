// Package sealed keeps secrets: provider keys, tokens, headers and capability
// URLs are encrypted before they are stored (Box), and cut out of whatever is
// written for people to read (Redact, RedactJSON, LogHandler).
//
// A sealed text is bound to its place, "collection/record/field". Copied to
// another row or column it does not open, so write access to the database
// alone does not let somebody read a secret through a field that is shown.
package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// prefix names the way a text was sealed. Which key it was tells the seal
// itself: it opens with no other.
const prefix = "k1:"

// ErrOpen says that a sealed text could not be opened: another key, another
// place, or damaged. The text itself is never part of an error.
var ErrOpen = errors.New("the stored secret cannot be opened: it was sealed with another key, belongs elsewhere, or is damaged")

// Box seals and opens texts with the master key, and opens with the one before
// what was not sealed again yet. Safe for concurrent use.
type Box struct {
	aead   cipher.AEAD
	before *Box // nil when there is no key before
}

// New returns a Box for a key of KeySize bytes (Load).
func New(key []byte) (*Box, error) {
	if len(key) != KeySize {
		return nil, ErrKey
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return &Box{aead: aead}, nil
}

// Box returns the Box of both keys.
func (k Keys) Box() (*Box, error) {
	box, err := New(k.Key)
	if err == nil && k.Before != nil {
		box.before, err = New(k.Before)
	}
	return box, err
}

// Place is the additional data of a record's field.
func Place(collection, record, field string) string {
	return collection + "/" + record + "/" + field
}

// Seal encrypts plain for its place. The empty text stays empty, so that "no
// secret" needs no key to be seen.
func (b *Box) Seal(plain, place string) (string, error) {
	if plain == "" {
		return "", nil
	}
	if place == "" {
		return "", errors.New("seal: no place given")
	}
	nonce := make([]byte, b.aead.NonceSize(), b.aead.NonceSize()+len(plain)+b.aead.Overhead())
	rand.Read(nonce) // never fails (crypto/rand)
	return prefix + base64.RawURLEncoding.EncodeToString(b.aead.Seal(nonce, nonce, []byte(plain), []byte(place))), nil
}

// Open decrypts what Seal made for the same place. Errors are ErrOpen.
func (b *Box) Open(sealed, place string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	encoded, ok := strings.CutPrefix(sealed, prefix)
	if !ok {
		return "", fmt.Errorf("%s: %w", place, ErrOpen)
	}
	data, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || len(data) < b.aead.NonceSize() {
		return "", fmt.Errorf("%s: %w", place, ErrOpen)
	}
	nonce, ciphertext := data[:b.aead.NonceSize()], data[b.aead.NonceSize():]
	plain, err := b.aead.Open(nil, nonce, ciphertext, []byte(place))
	if err != nil && b.before != nil {
		return b.before.Open(sealed, place)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", place, ErrOpen)
	}
	return string(plain), nil
}

// Is tells whether a text looks like one Seal made.
func Is(text string) bool { return strings.HasPrefix(text, prefix) }
