package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// state is the memory as it is kept in Config.StateFile, so that a product that
// keeps its own data finds its assistants and numbers again after a restart.
type state struct {
	Tables  map[string][]object   `json:"tables"` // oldest first
	Blobs   map[string][]byte     `json:"blobs"`
	Media   map[string]savedMedia `json:"media"`
	Counter int                   `json:"counter"`
}

type savedMedia struct {
	Segments []savedSegment `json:"segments"`
	Length   time.Duration  `json:"length"`
	Log      []byte         `json:"log"`
}

type savedSegment struct {
	Caller bool          `json:"caller"`
	From   time.Duration `json:"from"`
	To     time.Duration `json:"to"`
}

// load reads the state file; a missing one is an empty memory. Calls that were
// running when the sandbox stopped have ended.
func (s *Server) load() error {
	if s.cfg.StateFile == "" {
		return nil
	}
	raw, err := os.ReadFile(s.cfg.StateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sandbox: state: %w", err)
	}
	var kept state
	if err := json.Unmarshal(raw, &kept); err != nil {
		return fmt.Errorf("sandbox: state %s: %w", s.cfg.StateFile, err)
	}
	for kind, rows := range kept.Tables {
		t := s.tables[kind]
		if t == nil {
			continue
		}
		for _, row := range rows {
			id := str(row, "id")
			if kind == "call" && str(row, "status") != "ended" {
				row = with(row, object{"status": "ended", "endedReason": "worker-shutdown", "endedAt": row["updatedAt"]})
			}
			t.rows[id] = row
			t.order = append(t.order, id)
		}
	}
	if kept.Blobs != nil {
		s.blobs = kept.Blobs
	}
	for id, m := range kept.Media {
		restored := &media{length: m.Length, log: m.Log}
		for _, g := range m.Segments {
			restored.segments = append(restored.segments, segment{g.Caller, g.From, g.To})
		}
		s.settings.media[id] = restored
	}
	s.counter = kept.Counter
	return nil
}

// save writes the state file whole and renames it into place.
func (s *Server) save() {
	if s.cfg.StateFile == "" {
		return
	}
	s.saving.Lock()
	defer s.saving.Unlock()
	raw, err := json.Marshal(s.snapshot())
	if err == nil {
		err = replaceFile(s.cfg.StateFile, raw)
	}
	if err != nil {
		s.log.Error("sandbox state was not saved", "error", err)
	}
}

func (s *Server) snapshot() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := state{Tables: map[string][]object{}, Blobs: map[string][]byte{}, Media: map[string]savedMedia{},
		Counter: s.counter}
	for kind, t := range s.tables {
		for _, id := range t.order {
			kept.Tables[kind] = append(kept.Tables[kind], t.rows[id])
		}
	}
	for id, blob := range s.blobs {
		kept.Blobs[id] = blob
	}
	for id, m := range s.settings.media {
		saved := savedMedia{Length: m.length, Log: m.log}
		for _, g := range m.segments {
			saved.Segments = append(saved.Segments, savedSegment{g.caller, g.from, g.to})
		}
		kept.Media[id] = saved
	}
	return kept
}

// replaceFile writes beside the file and renames, so that a kill leaves one of the two.
func replaceFile(path string, content []byte) error {
	draft, err := os.CreateTemp(filepath.Dir(path), ".sandbox-*")
	if err != nil {
		return err
	}
	_, err = draft.Write(content)
	err = errors.Join(err, draft.Close())
	if err == nil {
		err = os.Rename(draft.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(draft.Name()))
	}
	return nil
}

// withState saves after every request that may have changed something.
func (s *Server) withState(next http.Handler) http.Handler {
	if s.cfg.StateFile == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		if r.Method != http.MethodGet {
			s.save()
		}
	})
}
