package sealed

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func testKey() []byte { return bytes.Repeat([]byte{7}, KeySize) }

func TestLoadKey_reads_every_spelling(t *testing.T) {
	key := []byte("0123456789abcdefghijklmnopqrstu\xff")
	for name, value := range map[string]string{
		"raw":            string(key),
		"hex":            hex.EncodeToString(key),
		"base64":         base64.StdEncoding.EncodeToString(key),
		"base64 for url": base64.URLEncoding.EncodeToString(key),
		"with a newline": hex.EncodeToString(key) + "\n",
	} {
		got, created, err := LoadKey(value, "")
		if err != nil || created || !bytes.Equal(got, key) {
			t.Errorf("%s: got %x, %v, %v; want the key", name, got, created, err)
		}
	}
}

func TestLoadKey_refuses_what_is_no_key_without_showing_it(t *testing.T) {
	for _, value := range []string{"short", strings.Repeat("z", 64), strings.Repeat("a", 33)} {
		_, _, err := LoadKey(value, t.TempDir())
		if !errors.Is(err, ErrKey) {
			t.Errorf("%q: got %v, want ErrKey", value, err)
		}
		if err != nil && strings.Contains(err.Error(), value) {
			t.Errorf("the error shows the value: %v", err)
		}
	}
}

func TestLoadKey_makes_one_key_and_keeps_it(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first, created, err := LoadKey("", dir)
	if err != nil || !created || len(first) != KeySize {
		t.Fatalf("got %d bytes, created %v, %v", len(first), created, err)
	}
	info, err := os.Stat(filepath.Join(dir, KeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if err := os.Chmod(filepath.Join(dir, KeyFile), 0o644); err != nil {
		t.Fatal(err)
	}
	second, created, err := LoadKey("", dir)
	if err != nil || created || !bytes.Equal(first, second) {
		t.Fatalf("the second start has another key (created %v, %v)", created, err)
	}
	if info, _ := os.Stat(filepath.Join(dir, KeyFile)); info.Mode().Perm() != 0o600 {
		t.Errorf("an open key file stays open: %v", info.Mode())
	}
	files, _ := os.ReadDir(dir)
	if len(files) != 1 {
		t.Errorf("%d files left, want only the key", len(files))
	}
}

func TestLoadKey_does_not_replace_a_damaged_key(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, KeyFile), []byte("cut sho"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, created, err := LoadKey("", dir); !errors.Is(err, ErrKey) || created {
		t.Fatalf("got created %v, %v; want ErrKey", created, err)
	}
}
