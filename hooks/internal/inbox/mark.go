package inbox

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

const (
	// markFile lies beside the database and says what was acknowledged last. The
	// database loses commits without a word when its log is damaged; this file
	// knows that they were there.
	markFile = ".acknowledged"
	// slot is the size of each of its two records: the older one is written over,
	// so that a record cut off in the middle leaves the one before it.
	slot = 1024
	// markSync is how often the file is brought to the disk. After a power cut it
	// may say less than the database has, never more.
	markSync = time.Second
)

// Mark is the last message that was acknowledged.
type Mark struct {
	Number   uint64    `json:"n"`
	Provider string    `json:"provider"`
	Key      string    `json:"key"`
	At       time.Time `json:"at"`
}

// marks writes the file. The writer calls put, once a commit: a write into memory
// of the kernel's; somebody else waits for the disk.
type marks struct {
	file *os.File

	mu    sync.Mutex
	last  Mark
	dirty bool
}

func openMarks(dir string) (*marks, error) {
	file, err := os.OpenFile(filepath.Join(dir, markFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	m := &marks{file: file}
	if last := readMark(dir); last != nil {
		m.last.Number = last.Number
	}
	return m, nil
}

// put notes the last message of a commit, before it is answered.
func (m *marks) put(provider, key string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = Mark{Number: m.last.Number + 1, Provider: provider, Key: key, At: at.UTC()}
	m.dirty = true
	record, err := m.last.encode()
	if err != nil {
		return err
	}
	_, err = m.file.WriteAt(record, int64(m.last.Number%2)*slot)
	return err
}

// sync brings the file to the disk when it changed.
func (m *marks) sync() error {
	m.mu.Lock()
	dirty := m.dirty
	m.dirty = false
	m.mu.Unlock()
	if !dirty {
		return nil
	}
	return m.file.Sync()
}

func (m Mark) encode() ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil || len(body) > slot-sha256.Size-2 {
		return nil, errors.Join(err, errors.New("too long a key"))
	}
	sum := sha256.Sum256(body)
	record := make([]byte, 0, slot)
	record = append(record, sum[:]...)
	record = binary.BigEndian.AppendUint16(record, uint16(len(body)))
	return append(record, body...), nil
}

func decodeMark(record []byte) *Mark {
	const head = sha256.Size + 2
	if len(record) < head {
		return nil
	}
	size := int(binary.BigEndian.Uint16(record[sha256.Size:]))
	if size > len(record)-head {
		return nil
	}
	body := record[head : head+size]
	var m Mark
	if sha256.Sum256(body) != [sha256.Size]byte(record) || json.Unmarshal(body, &m) != nil {
		return nil
	}
	return &m
}

// readMark is the newest record of the file; nil when there is none.
func readMark(dir string) *Mark {
	raw, err := os.ReadFile(filepath.Join(dir, markFile))
	if err != nil {
		return nil
	}
	var newest *Mark
	for at := 0; at < len(raw); at += slot {
		if m := decodeMark(raw[at:min(at+slot, len(raw))]); m != nil && (newest == nil || m.Number > newest.Number) {
			newest = m
		}
	}
	return newest
}

// selectTrace looks for a message or for anything that took its place here: its
// subject's packed row, the mark of an erasure. Its source knows of more (Source.Trace).
const selectTrace = `SELECT EXISTS (SELECT 1 FROM provider_events WHERE provider = ?1 AND event_key >= ?2 AND event_key < ?3)
	OR EXISTS (SELECT 1 FROM provider_events WHERE provider = ?1 AND event_key = ?4)`

// Missing is the message that was acknowledged last when the database has no
// trace of it; nil when it has, or when nothing was acknowledged yet.
func Missing(app core.App) (*Mark, error) {
	m := readMark(app.DataDir())
	if m == nil {
		return nil, nil
	}
	reads, err := database.Reading(app)
	if err != nil {
		return m, fmt.Errorf("look for the message that was acknowledged last: %w", err)
	}
	found, err := m.traced(app, reads)
	if err != nil {
		return m, fmt.Errorf("look for the message that was acknowledged last: %w", err)
	}
	if found {
		return nil, nil
	}
	return m, nil
}

func (m *Mark) traced(app core.App, db *sql.DB) (found bool, err error) {
	subject, _, _ := strings.Cut(m.Key, ":")
	err = db.QueryRow(selectTrace, m.Provider, subject+":", subject+";", m.Key).Scan(&found)
	if trace := traceOf(app, m.Provider); trace != "" && err == nil && !found {
		err = rows.IgnoreMissing(db.QueryRow(trace, subject).Scan(&found))
	}
	return found, err
}

// keepMarks syncs the file until stop is closed, and renews a mark whose message
// was erased meanwhile with everything else of its organization.
func (i *Inbox) keepMarks() {
	timer := time.NewTicker(markSync)
	defer timer.Stop()
	for n := 1; ; n++ {
		select {
		case <-i.done:
			i.tidyMark()
			if err := errors.Join(i.marks.sync(), i.marks.file.Close()); err != nil {
				i.app.Logger().Warn("what was acknowledged last is not noted", "error", err)
			}
			close(i.marked)
			return
		case <-timer.C:
		}
		if n%60 == 0 {
			i.tidyMark()
		}
		if err := i.marks.sync(); err != nil {
			i.app.Logger().Warn("what was acknowledged last is not noted", "error", err)
		}
	}
}

const selectNewest = `SELECT provider, event_key FROM provider_events ORDER BY rowid DESC LIMIT 1`

func (i *Inbox) tidyMark() {
	i.marks.mu.Lock()
	last := i.marks.last
	i.marks.mu.Unlock()
	if last.Key == "" {
		return
	}
	if found, err := last.traced(i.app, i.reads); err != nil || found {
		return
	}
	var provider, key string
	if i.reads.QueryRow(selectNewest).Scan(&provider, &key) != nil {
		return
	}
	i.marks.mu.Lock()
	same := i.marks.last.Number == last.Number
	i.marks.mu.Unlock()
	if same {
		_ = i.marks.put(provider, key, time.Now()) // the next commit writes one again
	}
}
