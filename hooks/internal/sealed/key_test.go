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

func TestLoad_reads_every_spelling(t *testing.T) {
	key := []byte("0123456789abcdefghijklmnopqrstu\xff")
	for name, value := range map[string]string{
		"raw":            string(key),
		"hex":            hex.EncodeToString(key),
		"base64":         base64.StdEncoding.EncodeToString(key),
		"base64 for url": base64.URLEncoding.EncodeToString(key),
		"with a newline": hex.EncodeToString(key) + "\n",
	} {
		got, err := Given{Key: value}.Load()
		if err != nil || got.Made || got.Before != nil || !bytes.Equal(got.Key, key) {
			t.Errorf("%s: got %+v, %v; want the key", name, got, err)
		}
	}
}

func TestLoad_refuses_what_is_no_key_without_showing_it(t *testing.T) {
	for _, value := range []string{"short", strings.Repeat("z", 64), strings.Repeat("a", 33)} {
		_, err := Given{Key: value, Dir: t.TempDir()}.Load()
		if !errors.Is(err, ErrKey) {
			t.Errorf("%q: got %v, want ErrKey", value, err)
		}
		if err != nil && strings.Contains(err.Error(), value) {
			t.Errorf("the error shows the value: %v", err)
		}
	}
}

func TestLoad_makes_one_key_and_keeps_it(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first, err := Given{Dir: dir}.Load()
	if err != nil || !first.Made || len(first.Key) != KeySize {
		t.Fatalf("got %d bytes, made %v, %v", len(first.Key), first.Made, err)
	}
	info, err := os.Stat(filepath.Join(dir, KeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if err := os.Chmod(filepath.Join(dir, KeyFile), 0o644); err != nil {
		t.Fatal(err)
	}
	second, err := Given{Dir: dir}.Load()
	if err != nil || second.Made || !first.Equal(second) {
		t.Fatalf("the second start has another key (made %v, %v)", second.Made, err)
	}
	if info, _ := os.Stat(filepath.Join(dir, KeyFile)); info.Mode().Perm() != 0o600 {
		t.Errorf("an open key file stays open: %v", info.Mode())
	}
	files, _ := os.ReadDir(dir)
	if len(files) != 1 {
		t.Errorf("%d files left, want only the key", len(files))
	}
}

func TestLoad_does_not_replace_a_damaged_key(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, KeyFile), []byte("cut sho"), 0o600); err != nil {
		t.Fatal(err)
	}
	if k, err := (Given{Dir: dir}).Load(); !errors.Is(err, ErrKey) || k.Made {
		t.Fatalf("got %+v, %v; want ErrKey", k, err)
	}
}

func TestBegin_and_Finish_hold_both_keys_in_the_file_meanwhile(t *testing.T) {
	g := Given{Dir: t.TempDir()}
	load := func() Keys {
		t.Helper()
		k, err := g.Load()
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := load()
	begun, err := g.Begin(first)
	if err != nil || bytes.Equal(begun.Key, first.Key) || !bytes.Equal(begun.Before, first.Key) {
		t.Fatalf("got %+v, %v; want a new key before the first one", begun, err)
	}
	if got := load(); !got.Equal(begun) || got.Made {
		t.Errorf("the file holds %+v, want both keys", got)
	}
	if again, err := g.Begin(load()); err != nil || !again.Equal(begun) {
		t.Errorf("begun again: %+v, %v; want the same keys", again, err)
	}
	if err := g.Finish(begun); err != nil {
		t.Fatal(err)
	}
	if got := load(); !got.Equal(Keys{Key: begun.Key}) {
		t.Errorf("the file holds %+v, want the new key alone", got)
	}
	if info, err := os.Stat(g.Path()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if files, _ := os.ReadDir(g.Dir); len(files) != 1 {
		t.Errorf("%d files left, want only the key", len(files))
	}
}

func TestLoad_takes_the_key_before_from_the_environment_or_the_file(t *testing.T) {
	now, before := hex.EncodeToString(bytes.Repeat([]byte{8}, KeySize)), hex.EncodeToString(testKey())
	both := Keys{Key: bytes.Repeat([]byte{8}, KeySize), Before: testKey()}
	for name, c := range map[string]struct {
		key, before, file string
		want              Keys
		wrong             string
	}{
		"both given":                 {now, before, "", both, ""},
		"both in the file":           {"", "", now + "\n" + before + "\n", both, ""},
		"from the environment":       {"", before, now, both, ""},
		"the file is not asked":      {now, before, "cut sho", both, ""},
		"the same key twice":         {now, now, "", Keys{Key: both.Key}, ""},
		"no key before":              {now, "nonsense-planted", "", Keys{}, "POCKETLINE_KEY_BEFORE: "},
		"a second line that is none": {"", "", now + "\nnonsense-planted\n", Keys{}, KeyFile},
		"more than two":              {"", before, now + "\n" + before + "\n", Keys{}, "unset POCKETLINE_KEY_BEFORE"},
	} {
		dir := t.TempDir()
		if c.file != "" {
			if err := os.WriteFile(filepath.Join(dir, KeyFile), []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := Given{Key: c.key, Before: c.before, Dir: dir}.Load()
		if !got.Equal(c.want) || (err != nil) != (c.wrong != "") {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
		if err != nil && (!strings.Contains(err.Error(), c.wrong) || strings.Contains(err.Error(), "planted")) {
			t.Errorf("%s: got %v, want it to name %s", name, err, c.wrong)
		}
	}
	if _, err := (Given{Key: now, Dir: t.TempDir()}).Begin(Keys{Key: both.Key}); err == nil ||
		!strings.Contains(err.Error(), "POCKETLINE_KEY_BEFORE") {
		t.Errorf("a new key beside a given one: %v", err)
	}
}
