package inbox

import "time"

const (
	// maxFacts bounds the memory; one fact of a call has about 1 kB.
	maxFacts = 4096
	// factsLast is how long facts are believed when nothing is written: a
	// connection that was closed for idleness counts its changes anew.
	factsLast = time.Minute
)

// memory is what appliers know of rows they wrote, so that the next message
// about the same call needs no reading. It is true as long as nobody else
// writes: SQLite counts the rows this connection changed and notices commits of
// other connections, so anybody's write empties it.
type memory struct {
	facts map[string]any
	seen  writes
	at    time.Time
}

// writes tells whether anything was written in between.
type writes struct{ here, elsewhere int64 }

const selectWrites = `SELECT total_changes(), data_version FROM pragma_data_version`

// begin forgets everything unless the last commit was ours.
func (m *memory) begin(tx *Tx, now time.Time) error {
	var w writes
	if err := tx.Get(selectWrites, nil, &w.here, &w.elsewhere); err != nil {
		return err
	}
	if w != m.seen || now.Sub(m.at) > factsLast {
		clear(m.facts)
	}
	return nil
}

// end reads where our transaction leaves the counts. A full-text index writes
// what it gathered at a savepoint or at the commit, which would count afterwards.
func (m *memory) end(tx *Tx, now time.Time) error {
	m.at = now
	for _, statement := range []string{"SAVEPOINT counted", "RELEASE counted"} {
		if _, err := tx.Exec(statement); err != nil {
			return err
		}
	}
	return tx.Get(selectWrites, nil, &m.seen.here, &m.seen.elsewhere)
}

// Recall returns what an earlier message remembered under the key, while it is
// still true.
func (tx *Tx) Recall(key string) (fact any, ok bool) {
	fact, ok = tx.memory.facts[key]
	return fact, ok
}

// Remember keeps a fact for messages that come later. It must hold once this
// message's changes are stored; a failed message takes everything with it.
func (tx *Tx) Remember(key string, fact any) {
	if _, known := tx.memory.facts[key]; !known && len(tx.memory.facts) >= maxFacts {
		for one := range tx.memory.facts {
			delete(tx.memory.facts, one)
			break
		}
	}
	tx.memory.facts[key] = fact
}

// Forget drops a fact.
func (tx *Tx) Forget(key string) { delete(tx.memory.facts, key) }
