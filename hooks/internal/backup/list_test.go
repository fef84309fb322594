package backup

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// many writes a backup's zip of so many small files, and its manifest.
func many(t *testing.T, files int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "many.zip")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	z, err := newPacker(out, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	add := func(name string, content []byte) {
		t.Helper()
		w, err := z.add(name, zip.Store, noon)
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var listed strings.Builder
	for i := range files {
		name := fmt.Sprintf("storage/pbc_1234567890/%015d/recording_abcdefghij.mp3", i)
		if i == 0 {
			name = dataFile
		}
		add(name, []byte("x"))
		fmt.Fprintf(&listed,
			"{\"name\":%q,\"size\":1,\"sha256\":\"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\"}\n", name)
	}
	var manifest bytes.Buffer
	m := Manifest{Product: product, Format: format, Kind: Full, Made: noon, Installation: "ours"}
	if err := writeManifest(&manifest, m, strings.NewReader(listed.String())); err != nil {
		t.Fatal(err)
	}
	add(manifestName, manifest.Bytes())
	if err := z.close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// held is the memory in use.
func held() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Of each file of an archive little more than its hash is held, so that 300,000 of them
// fit into a small machine; any other program reads the archive as well.
func TestArchive_of_many_files_takes_little_memory(t *testing.T) {
	const files, each = 3*pieceFiles + 7, 100 // bytes
	path := many(t, files)
	z, err := zip.OpenReader(path)
	if err != nil || len(z.File) != files+1 || z.File[files].Name != manifestName || z.Comment != string(comment) {
		t.Fatalf("another reader: %v", err)
	}
	z.Close()
	before := held()
	a, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if now := held() - before; now > files*each+pieceFiles*1000 {
		t.Errorf("%d bytes are held for %d files", now, files)
	}
	if len(a.known) != files || a.manifest.Files != files {
		t.Errorf("there are %d, listed %d, want %d", len(a.known), a.manifest.Files, files)
	}
	if err := Verify(t.Context(), path, silent); err != nil {
		t.Error(err)
	}
	if m, err := head(path); err != nil || m.Installation != "ours" || m.Files != 0 {
		t.Errorf("the head alone: %+v, %v", m, err)
	}
}

// Whatever is changed in the list or behind it, nothing panics, and nothing false is
// taken for whole.
func FuzzList(f *testing.F) {
	whole := func(t *testing.F) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		if w, err := z.Create(dataFile); err != nil {
			t.Fatal(err)
		} else if _, err := w.Write([]byte("rows")); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}(f)
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(append(slices.Clone(whole[:len(whole)-endLength]), ending(int64(len(whole)-endLength), 0, 1<<40, comment)...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := filepath.Join(t.TempDir(), "a.zip")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Verify(context.Background(), path, silent); err == nil {
			z, err := zip.OpenReader(path)
			if err != nil {
				t.Fatalf("another reader refuses it: %v", err)
			}
			z.Close()
		}
	})
}

// Each step of a backup tells how far it is.
func TestWrite_tells_each_step(t *testing.T) {
	_, dir := running(t)
	var steps []string
	moved := map[string]int64{}
	_, err := Write(t.Context(), dir, filepath.Join(t.TempDir(), "a.zip"), Options{
		Kind: Full, Free: func(string) (uint64, uint64, error) { return 1 << 40, 1 << 40, nil },
		Progress: func(what string, done, _ int64) {
			if len(steps) == 0 || steps[len(steps)-1] != what {
				steps = append(steps, what)
			}
			moved[what] = max(moved[what], done)
		},
	})
	want := "looking for room, gathering the files, copying the database, gathering the files, checking the database, writing, checking"
	if err != nil || strings.Join(steps, ", ") != want {
		t.Errorf("it told %v, %v", steps, err)
	}
	for _, step := range steps {
		if moved[step] == 0 && step != "copying the database" { // which takes less than a second here
			t.Errorf("%s does not move", step)
		}
	}
}
