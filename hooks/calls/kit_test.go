package calls

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/callskit"
)

// desk is the domain on a seeded app, with its own provider.
type desk struct {
	*callskit.Desk
	engine *engine
}

// newDesk serves the domain; provider answers for Vapi and may be nil. with binds
// other domains beside it.
func newDesk(t testing.TB, provider http.Handler, with ...func(app core.App, d *desk)) *desk {
	t.Helper()
	d := &desk{}
	callskit.Open(t, provider, func(on *callskit.Desk) {
		d.Desk = on
		d.engine = Register(on, Deps{
			Tools: on.Tools, Vapi: on.Vapi, Functions: on.Functions, Rate: 1_000_000, After: on.After,
			Installation: func() (string, error) { return "desk", nil },
		})
		for _, bind := range with {
			bind(on, d)
		}
	})
	return d
}

// await returns the stored call once everything sent is in.
func (d *desk) await(id string) string {
	d.T.Helper()
	d.Stored()
	return d.whole(id)
}

// reportAsCall is a provider that has the report's call at GET /call.
func reportAsCall(t testing.TB, message []byte) http.Handler {
	t.Helper()
	var body struct {
		Message map[string]json.RawMessage `json:"message"`
	}
	if err := json.Unmarshal(message, &body); err != nil {
		t.Fatal(err)
	}
	call := map[string]json.RawMessage{}
	if err := json.Unmarshal(body.Message["call"], &call); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"analysis", "artifact", "startedAt", "endedAt", "endedReason", "cost", "costs",
		"costBreakdown", "destination"} {
		if v, ok := body.Message[name]; ok {
			call[name] = v
		}
	}
	call["status"] = json.RawMessage(`"ended"`)
	one, err := json.Marshal(call)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /call", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("[]")) })
	mux.HandleFunc("GET /call/{id}", func(w http.ResponseWriter, r *http.Request) { w.Write(one) })
	return mux
}

// scan fails when any file below dir holds the text.
func scan(t testing.TB, dir, text string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(text)) {
			t.Errorf("%s holds %q", filepath.Base(path), text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
