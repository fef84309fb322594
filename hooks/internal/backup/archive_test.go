package backup

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// running is the data directory of an app at work, with files beside the database.
func running(t *testing.T) (app core.App, dir string) {
	t.Helper()
	app = testkit.New(t)
	dir = app.DataDir()
	if err := os.RemoveAll(filepath.Join(dir, core.LocalStorageDirName)); err != nil {
		t.Fatal(err)
	}
	put(t, dir, map[string]string{
		"storage/calls/one/talk.mp3": "a recording", ".sandbox": "http://127.0.0.1:1", ".acknowledged": "a mark",
		".installation": "a run", ".pocketline_key": "a key", "backups/older.zip": "an archive",
	})
	return app, dir
}

// archived is an archive of a directory.
func archived(t *testing.T, dir, kind string) (path string, m Manifest) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "archive.zip")
	m, err := Write(t.Context(), dir, path, Options{Kind: kind, Version: "v1", Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	return path, m
}

func silent(string, int64, int64) {}

// content is what a zip holds, by name.
func content(t *testing.T, path string) map[string]string {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	found := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		found[f.Name] = string(raw)
	}
	return found
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestWrite_takes_the_data_beside_a_server_at_work_and_no_key(t *testing.T) {
	app, dir := running(t)
	var organizations int64
	if err := app.DB().NewQuery("SELECT count(*) FROM organizations").Row(&organizations); err != nil {
		t.Fatal(err)
	}
	for kind, files := range map[string][]string{
		Full:     {".sandbox", "data.db", "pocketline-backup.json", "storage/calls/one/talk.mp3"},
		Database: {".sandbox", "data.db", "pocketline-backup.json"},
	} {
		path, m := archived(t, dir, kind)
		found := content(t, path)
		if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, files) {
			t.Errorf("%s: it holds %v, want %v", kind, got, files)
		}
		said, err := readManifest(strings.NewReader(found[manifestName]), func(File) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if said.Kind != kind || said.Version != "v1" || !said.Made.Equal(noon) || said.Step == "" ||
			said.Files != len(files)-1 || m.Files != said.Files {
			t.Errorf("%s: it says %+v", kind, said)
		}
		if m.Tables["organizations"] != organizations || !maps.Equal(said.Tables, m.Tables) || m.Rows() == 0 {
			t.Errorf("%s: counted %v, said %v", kind, m.Tables, said.Tables)
		}
		if err := Verify(t.Context(), path, silent); err != nil {
			t.Error(err)
		}
		if left := slices.DeleteFunc(names(t, dir),
			func(name string) bool { return !strings.HasPrefix(name, workPrefix) }); len(left) > 0 {
			t.Errorf("%s: %v are left", kind, left)
		}
	}
}

// Stored files may lie on another disk, all of them or a folder of them.
func TestWrite_follows_links_to_stored_files(t *testing.T) {
	_, dir := running(t)
	elsewhere, storage := t.TempDir(), filepath.Join(dir, "storage")
	put(t, elsewhere, map[string]string{"all/calls/one/talk.mp3": "a recording", "some/two/talk.mp3": "another",
		"a.mp3": "a third"})
	link := func(to, at string) {
		t.Helper()
		if err := os.Symlink(to, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(storage); err != nil {
		t.Fatal(err)
	}
	link(filepath.Join(elsewhere, "all"), storage)
	link(filepath.Join(elsewhere, "some"), filepath.Join(elsewhere, "all", "more"))
	link(filepath.Join(elsewhere, "a.mp3"), filepath.Join(elsewhere, "all", "calls", "linked.mp3"))
	link("..", filepath.Join(elsewhere, "all", "calls", "round")) // and round

	path, m := archived(t, dir, Full)
	found := content(t, path)
	for name, text := range map[string]string{
		"storage/calls/one/talk.mp3": "a recording", "storage/more/two/talk.mp3": "another",
		"storage/calls/linked.mp3": "a third",
	} {
		if found[name] != text {
			t.Errorf("%s is %q", name, found[name])
		}
	}
	if m.Files != 5 { // with data.db and .sandbox
		t.Errorf("it holds %d", m.Files)
	}
	_, err := Stage(t.Context(), dir, path, StageOptions{})
	if err == nil || !strings.Contains(err.Error(), "storage is a link to "+filepath.Join(elsewhere, "all")) ||
		Pending(dir) {
		t.Errorf("a restore in the place of the link: %v", err)
	}
	if to, err := os.Readlink(storage); err != nil || to != filepath.Join(elsewhere, "all") {
		t.Errorf("the link is %q, %v", to, err)
	}
	if _, err := Stage(t.Context(), t.TempDir(), path, StageOptions{}); err != nil {
		t.Error(err)
	}

	// The disk is not there: that is no backup without files.
	if err := os.Rename(filepath.Join(elsewhere, "all"), filepath.Join(elsewhere, "gone")); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(t.Context(), dir, path+"2", Options{Kind: Full}); err == nil ||
		!strings.Contains(err.Error(), "is a disk not mounted?") {
		t.Errorf("without the files: %v", err)
	}
	if _, err := Write(t.Context(), dir, path+"2", Options{Kind: Database}); err != nil {
		t.Errorf("of the database alone: %v", err)
	}
}

// Where storage is a link, backups may come to lie among the files it leads to: an
// archive would take itself, until the disk is full.
func TestWrite_takes_no_archive_into_another(t *testing.T) {
	_, dir := running(t)
	disk, storage := t.TempDir(), filepath.Join(dir, "storage")
	put(t, disk, map[string]string{"all/calls/one/talk.mp3": "a recording", "some/deep/two/talk.mp3": "another"})
	if err := os.RemoveAll(storage); err != nil {
		t.Fatal(err)
	}
	for at, to := range map[string]string{storage: "all", filepath.Join(disk, "all", "more"): "some"} {
		if err := os.Symlink(filepath.Join(disk, to), at); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{"all", "all/backups", "some", "some/not/there/yet"} {
		folder = filepath.Join(disk, folder)
		_, _, err := WriteNew(t.Context(), dir, folder, Nightly, Options{Kind: Full})
		if err == nil || !strings.Contains(err.Error(), "among the files a backup takes") {
			t.Errorf("in %s: %v", folder, err)
		}
		if _, err := Write(t.Context(), dir, filepath.Join(folder, "a.zip"), Options{Kind: Full}); err == nil {
			t.Errorf("in %s", folder)
		}
	}
	if exists(filepath.Join(disk, "all", "backups")) || exists(filepath.Join(disk, "some", "not")) {
		t.Error("a folder was made for what was refused")
	}
	// A link deeper in leads to the backups: they are not files of the installation, nor
	// are archives that were put there.
	backups := t.TempDir()
	put(t, backups, map[string]string{"mine.zip": "an archive by another name"})
	put(t, disk, map[string]string{
		"some/deep/nightly_20260101020000.zip": "older", "some/deep/pocketline_20260101020000.zip.part": "half",
		"some/deep/my_nightly.zip": "a file",
	})
	if err := os.Symlink(backups, filepath.Join(disk, "some", "deep", "round")); err != nil {
		t.Fatal(err)
	}
	path, _, err := WriteNew(t.Context(), dir, backups, Nightly, Options{Kind: Full})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".sandbox", "data.db", "pocketline-backup.json", "storage/calls/one/talk.mp3",
		"storage/more/deep/my_nightly.zip", "storage/more/deep/two/talk.mp3"}
	if got := slices.Sorted(maps.Keys(content(t, path))); !slices.Equal(got, want) {
		t.Errorf("it holds %v", got)
	}
	if _, _, err := WriteNew(t.Context(), dir, filepath.Join(disk, "all"), BeforeUpdate,
		Options{Kind: Database}); err != nil {
		t.Errorf("what takes no files: %v", err)
	}
}

func TestWrite_refuses_and_leaves_nothing(t *testing.T) {
	_, dir := running(t)
	ended, end := context.WithCancel(t.Context())
	end()
	for name, tt := range map[string]struct {
		ctx  context.Context
		from string
		free uint64
		says string
	}{
		"no data":   {t.Context(), t.TempDir(), 1 << 40, "there is no data.db"},
		"no room":   {t.Context(), dir, 1 << 20, "not enough space"},
		"cancelled": {ended, dir, 1 << 40, context.Canceled.Error()},
	} {
		folder := t.TempDir()
		_, err := Write(tt.ctx, tt.from, filepath.Join(folder, "new.zip"), Options{
			Kind: Full, Free: func(string) (uint64, uint64, error) { return tt.free, 1 << 40, nil },
		})
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v", name, err)
		}
		if left := names(t, folder); len(left) > 0 {
			t.Errorf("%s: %v are left", name, left)
		}
	}
	put(t, dir, map[string]string{"backups/there.zip": "mine"})
	if _, err := Write(t.Context(), dir, filepath.Join(dir, "backups", "there.zip"), Options{Kind: Full}); err == nil {
		t.Error("another archive was written over")
	}
}

// changed is an archive with one change; nil takes a file out.
func changed(t *testing.T, from string, files map[string][]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "changed.zip")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	z := zip.NewWriter(out)
	defer z.Close()
	all := map[string][]byte{}
	for name, text := range content(t, from) {
		all[name] = []byte(text)
	}
	maps.Copy(all, files)
	for name, raw := range all {
		if raw == nil {
			continue
		}
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(raw); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// renamed is an archive of ours with a byte of its manifest's name flipped in the list.
func renamed(t *testing.T, from string) string {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	raw[bytes.LastIndex(raw, []byte(manifestName))] ^= 1
	path := filepath.Join(t.TempDir(), "renamed.zip")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// twice is an archive in which a file is there two times.
func twice(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "twice.zip")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, text := range []string{"one", "two"} {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), os.WriteFile(path, b.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

// overlapping is an archive of the panel whose files are the same bytes again and again.
func overlapping(t *testing.T) string {
	return relisted(t, func(record []byte) (list []byte) {
		for _, letter := range []byte("abcdefgh") {
			record[len(record)-1] = letter
			list = append(list, record...)
		}
		return list
	})
}

// boasting is one that says of a few bytes that they are some megabytes.
func boasting(t *testing.T) string {
	return relisted(t, func(record []byte) []byte {
		binary.LittleEndian.PutUint32(record[24:], 64<<20)
		return record
	})
}

// relisted is a zip of storage/a, with another list than its own.
func relisted(t *testing.T, change func(record []byte) (list []byte)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "relisted.zip")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateRaw(&zip.FileHeader{Name: "storage/a", Method: zip.Store, CompressedSize64: 9, UncompressedSize64: 9,
		CRC32: crc32.ChecksumIEEE([]byte("the bytes"))})
	if err == nil {
		_, err = io.WriteString(w, "the bytes")
	}
	if err := errors.Join(err, z.Close(), os.WriteFile(path, b.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l, err := findList(f)
	if err != nil {
		t.Fatal(err)
	}
	raw := b.Bytes()[:l.at+l.size]
	list := change(bytes.Clone(raw[l.at:]))
	raw = append(append(bytes.Clone(raw[:l.at]), list...),
		ending(l.at, int64(len(list)), int64(len(list))/l.size, nil)...)
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStage_refuses_what_is_not_whole_and_touches_nothing(t *testing.T) {
	app, from := running(t)
	good, m := archived(t, from, Full)
	if _, err := app.NonconcurrentDB().NewQuery("INSERT INTO _migrations (file, applied) VALUES ('2099_of_tomorrow.go', 1)").Execute(); err != nil {
		t.Fatal(err)
	}
	newer, _ := archived(t, from, Full)
	raw, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(t.TempDir(), "half.zip")
	if err := os.WriteFile(half, raw[:len(raw)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	said := func(change func(m *Manifest)) []byte {
		other := m
		other.Tables = maps.Clone(m.Tables)
		change(&other)
		var raw, files bytes.Buffer
		_, err := readManifest(strings.NewReader(content(t, good)[manifestName]),
			func(f File) error { return json.NewEncoder(&files).Encode(f) })
		if err := errors.Join(err, writeManifest(&raw, other, &files)); err != nil {
			t.Fatal(err)
		}
		return raw.Bytes()
	}
	sandbox := `{"name":".sandbox","size":18,"sha256":"` + strings.Repeat("00", 32) + `"},`
	// An archive of the panel has no manifest that would have to name it.
	named := func(name string) string {
		return changed(t, good, map[string][]byte{manifestName: nil, name: []byte("x")})
	}
	for name, tt := range map[string]struct{ path, says string }{
		"half":        {half, "not a whole zip"},
		"no zip":      {filepath.Join(from, "data.db"), "not a whole zip"},
		"a file less": {changed(t, good, map[string][]byte{"storage/calls/one/talk.mp3": nil}), "talk.mp3 is missing"},
		"a file more": {changed(t, good, map[string][]byte{"storage/more": []byte("x")}),
			"storage/more is not in its manifest"},
		"another file": {changed(t, good, map[string][]byte{"storage/calls/one/talk.mp3": []byte("x")}),
			"is not what its manifest says"},
		"no database": {changed(t, good, map[string][]byte{"data.db": nil, manifestName: nil}), "there is no data.db"},
		"a damaged one": {changed(t, good, map[string][]byte{"data.db": bytes.Repeat([]byte("x"), 9000),
			manifestName: nil}), "file is not a database"},
		"outside": {changed(t, good, map[string][]byte{"../escaped": []byte("x")}), "no name of a file"},
		"another product": {changed(t, good,
			map[string][]byte{manifestName: said(func(m *Manifest) { m.Product = "another" })}), "its manifest is of"},
		"other rows": {changed(t, good,
			map[string][]byte{manifestName: said(func(m *Manifest) { m.Tables["calls"]++ })}),
			"not as many as its manifest says"},
		"a newer version": {newer, "2099_of_tomorrow.go"},
		"no kind": {changed(t, good, map[string][]byte{manifestName: said(func(m *Manifest) { m.Kind = "" })}),
			"which there is not"},
		"another kind": {changed(t, good, map[string][]byte{manifestName: said(func(m *Manifest) { m.Kind = "all" })}),
			"which there is not"},
		"files of no kind": {changed(t, good, map[string][]byte{manifestName: said(func(m *Manifest) { m.Kind = Database })}),
			"storage/calls/one/talk.mp3 does not belong"},
		"a broken account": {changed(t, good, map[string][]byte{manifestName: []byte("{")}), "its manifest cannot be read"},
		"a long account": {changed(t, good,
			map[string][]byte{manifestName: append(bytes.Repeat([]byte(" "), 2<<20), said(func(*Manifest) {})...)}),
			"its manifest is longer"},
		"twice": {twice(t, "storage/a"), "is there twice"},
		"with a tail": {changed(t, good, map[string][]byte{manifestName: append(said(func(*Manifest) {}), "more"...)}),
			"something stands behind its end"},
		"a word twice": {changed(t, good,
			map[string][]byte{manifestName: bytes.Replace(said(func(*Manifest) {}), []byte(`"kind"`),
				[]byte(`"kind": "full", "kind"`), 1)}), "duplicate"},
		"a file twice": {changed(t, good,
			map[string][]byte{manifestName: bytes.Replace(said(func(*Manifest) {}), []byte(`"files": [`),
				append([]byte(`"files": [`), sandbox...), 1)}), "twice"},
		"equal but for case": {named("storage/calls/one/Talk.mp3"),
			`"storage/calls/one/Talk.mp3" and "storage/calls/one/talk.mp3" are one name on some disks`},
		"the same bytes":   {overlapping(t), "reads bytes of another file"},
		"more than it can": {boasting(t), "storage/a says it is larger than it can be"},
		"no account":       {renamed(t, good), "its manifest is missing"},
		"up and out":       {named("storage/../.lock"), "no name of a file"},
		"into the backups": {named("storage/../backups/x.zip"), "no name of a file"},
		"into the restore": {named("storage/../.restore/ready"), "no name of a file"},
		"here":             {named("./storage/a"), "no name of a file"},
		"two slashes":      {named("storage//a"), "no name of a file"},
		"a Windows name":   {named(`storage\..\..\a`), "no name of a file"},
	} {
		dir := t.TempDir()
		put(t, dir, map[string]string{"data.db": "old"})
		if _, err := Stage(t.Context(), dir, tt.path, StageOptions{}); !errors.Is(err, ErrArchive) ||
			!strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v", name, err)
		}
		if got := names(t, dir); !slices.Equal(got, []string{"data.db"}) || Pending(dir) {
			t.Errorf("%s: there are %v", name, got)
		}
	}
}

func TestStage_then_Apply_bring_everything_back(t *testing.T) {
	_, from := running(t)
	for kind, talk := range map[string]string{Full: "a recording", Database: "of the old data"} {
		path, m := archived(t, from, kind)
		dir := t.TempDir()
		put(t, dir, map[string]string{
			"data.db": "old", ".acknowledged": "old", ".pocketline_key": "mine", "storage/calls/one/talk.mp3": "of the old data",
		})
		asked := 0
		got, err := Stage(t.Context(), dir, path, StageOptions{
			Free:  func(string) (uint64, uint64, error) { return 1 << 40, 1 << 40, nil },
			Opens: func(Data, string) error { asked++; return nil },
		})
		if err != nil || got.Rows() != m.Rows() || !Pending(dir) {
			t.Fatalf("%s: %v, %d rows of %d", kind, err, got.Rows(), m.Rows())
		}
		if raw, err := os.ReadFile(filepath.Join(dir, "data.db")); err != nil || string(raw) != "old" {
			t.Fatalf("%s: the data were touched: %q, %v", kind, raw, err)
		}
		if _, err := Stage(t.Context(), dir, path, StageOptions{}); !errors.Is(err, ErrPending) || !Pending(dir) {
			t.Errorf("%s: a second one beside it: %v", kind, err)
		}
		done, err := Apply(dir)
		if err != nil || done.Archive != "archive.zip" || done.Manifest.Kind != kind {
			t.Fatalf("%s: %+v, %v", kind, done, err)
		}
		again, err := describe(t.Context(), filepath.Join(dir, "data.db"), silent)
		if err != nil || !maps.Equal(again.Tables, m.Tables) {
			t.Errorf("%s: %v, %v", kind, again.Tables, err)
		}
		for name, text := range map[string]string{"storage/calls/one/talk.mp3": talk, ".pocketline_key": "mine",
			".sandbox": "http://127.0.0.1:1"} {
			if raw, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(raw) != text {
				t.Errorf("%s: %s is %q, %v", kind, name, raw, err)
			}
		}
		// What was acknowledged last is of the old data: nobody may miss it in the new.
		if exists(filepath.Join(dir, ".acknowledged")) || !exists(filepath.Join(done.Aside, ".acknowledged")) {
			t.Errorf("%s: the mark of the old data stays", kind)
		}
	}
}

func TestStage_asks_for_room_and_is_taken_back(t *testing.T) {
	_, from := running(t)
	path, _ := archived(t, from, Full)
	dir := t.TempDir()
	_, err := Stage(t.Context(), dir, path,
		StageOptions{Free: func(string) (uint64, uint64, error) { return spare, 1 << 40, nil }})
	if err == nil || !strings.Contains(err.Error(), "not enough space") || errors.Is(err, ErrArchive) ||
		len(names(t, dir)) > 0 {
		t.Errorf("got %v, %v", err, names(t, dir))
	}
	if _, err := Stage(t.Context(), dir, path, StageOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := Unstage(dir); err != nil || Pending(dir) {
		t.Errorf("it is still there: %v", err)
	}
	if done, err := Apply(dir); err != nil || done.Archive != "" || len(names(t, dir)) > 0 {
		t.Errorf("applied %+v, %v", done, err)
	}
}

// The key is asked for only where something is sealed, and a wrong one refuses.
func TestStage_asks_whether_the_key_opens_what_is_sealed(t *testing.T) {
	app, from := running(t)
	if _, err := app.NonconcurrentDB().NewQuery("UPDATE _params SET value = 'sealed' WHERE id = 'settings'").
		Execute(); err != nil {
		t.Fatal(err)
	}
	path, _ := archived(t, from, Full)
	wrong := errors.New("another key")
	dir := t.TempDir()
	_, err := Stage(t.Context(), dir, path, StageOptions{Opens: func(data Data, keys string) error {
		if data.Settings != "sealed" || keys != "" {
			t.Errorf("asked about %q, %q", data.Settings, keys)
		}
		return wrong
	}})
	if !errors.Is(err, wrong) || len(names(t, dir)) > 0 {
		t.Errorf("got %v, %v", err, names(t, dir))
	}
	// Without settings nobody could tell.
	if _, err := app.NonconcurrentDB().NewQuery("DELETE FROM _params WHERE id = 'settings'").Execute(); err != nil {
		t.Fatal(err)
	}
	path, _ = archived(t, from, Full)
	if _, err := Stage(t.Context(), dir, path, StageOptions{}); !errors.Is(err, ErrArchive) ||
		!strings.Contains(err.Error(), "no settings") {
		t.Errorf("got %v", err)
	}
}
