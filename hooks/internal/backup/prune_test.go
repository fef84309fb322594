package backup

import (
	"archive/zip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// says is an archive that says of itself whose it is, and when it was made.
func says(t *testing.T, path, installation string, at time.Time) {
	t.Helper()
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(out)
	for _, file := range [][2]string{{dataFile, "rows"}, {
		manifestName, `{"product":"pocketline","format":1,"version":"v1","kind":"full","made":"` + at.Format(time.RFC3339) +
			`","installation":"` + installation + `","step":"","tables":{},"files":[{"name":"data.db","size":4,"sha256":""}]}`,
	}} {
		w, err := z.Create(file[0])
		if err == nil {
			_, err = io.WriteString(w, file[1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestPrune_keeps_the_newest_and_what_is_not_its_own(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"nightly_mine.zip": "", "nightly_20200101000000.zip": "my own file"})
	for name, installation := range map[string]string{
		"nightly_20260101020000.zip": "ours", "nightly_20260102020000.zip": "ours", "nightly_20260103020000.zip": "ours",
		"pocketline_20250101020000.zip": "ours", "pb_backup_acme_20250101020000.zip": "ours",
		"nightly_20250101020000.zip": "theirs", "nightly_20250102020000.zip": "",
	} {
		says(t, filepath.Join(dir, name), installation, noon)
	}
	before := names(t, dir)
	if removed, err := Prune(dir, Retention{Prefix: Nightly, Now: noon}); err != nil || len(removed) > 0 {
		t.Errorf("of nobody it removed %v, %v", removed, err)
	}
	removed, err := Prune(dir, Retention{
		Prefix: Nightly, Installation: "ours", Keep: 2, Newest: filepath.Join(dir, "nightly_20260103020000.zip"), Now: noon,
	})
	if err != nil || strings.Join(removed, " ") != "nightly_20260101020000.zip" {
		t.Errorf("removed %v, %v", removed, err)
	}
	if left := names(t, dir); len(left) != len(before)-1 {
		t.Errorf("%v are left", left)
	}
}

// A name, a date in an archive and one of the file system may lie in the future: the
// clock was ahead, or somebody copied. The one just made stays whatever they say.
// A stranger's archive may say of itself as much as it likes.
func TestPrune_reads_little_of_what_an_archive_says(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nightly_20260101020000.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, err := z.Create(manifestName)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(w, `{"product":"pocketline","version":"`+strings.Repeat("v", 4*manifestBase)+`","files":[]}`)
	if err = errors.Join(err, z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if m, err := head(path); err == nil {
		t.Errorf("%d bytes of its version were read", len(m.Version))
	}
}

func TestPrune_does_not_believe_the_future(t *testing.T) {
	dir := t.TempDir()
	day := func(n int) time.Time { return noon.AddDate(0, 0, n) }
	name := func(at time.Time) string { return Nightly + at.Format(made) + ".zip" }
	for path, at := range map[string]struct{ said, file time.Time }{
		name(day(-2)):   {day(-2), day(-2)},
		name(day(-1)):   {day(-1), day(-1)},
		name(day(4000)): {day(-5), day(0)},      // a copy by another name
		name(day(4001)): {day(4001), day(-4)},   // the clock was ahead
		name(day(4002)): {day(4002), day(4002)}, // and the disk's too
		name(day(0)):    {day(0), day(0)},       // just made
		name(day(-9)):   {day(4003), day(-9)},   // no name tells either
	} {
		says(t, filepath.Join(dir, path), "ours", at.said)
		if err := os.Chtimes(filepath.Join(dir, path), at.file, at.file); err != nil {
			t.Fatal(err)
		}
	}
	keep := Retention{Prefix: Nightly, Installation: "ours", Keep: 3, Newest: filepath.Join(dir, name(day(0))), Now: noon}
	removed, err := Prune(dir, keep)
	want := []string{name(day(4002)), name(day(-9)), name(day(4000)), name(day(4001))}
	if err != nil || !slices.Equal(removed, want) {
		t.Errorf("removed %v, %v; want %v", removed, err, want)
	}
	keep.Now = day(-4000) // nobody set the clock: all lie in the future
	keep.Keep = 1
	if _, err := Prune(dir, keep); err != nil || !slices.Equal(names(t, dir), []string{name(day(0))}) {
		t.Errorf("left are %v, %v", names(t, dir), err)
	}
}
