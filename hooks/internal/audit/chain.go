package audit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
)

// Erased stands in the place of details that were erased with the person they
// were about.
const Erased = `{"erased":true}`

// chainVersion begins what is hashed, so that another form can follow.
const chainVersion = "1"

// link is a row of the log as the chain sees it. What may legitimately go from
// a row is not hashed itself: of details there is a digest with a random salt,
// which goes with the details, so that nobody finds out a number by trying.
type link struct {
	Chain                                                 string
	Position                                              int64
	ID, Organization, User, ActorID, ActorName, ActorType string
	Action, Resource, Record, Details, Salt, Digest       string
	Address, Agent, Request, Created, Hash                string
}

// digestOf is the digest of an entry's details.
func digestOf(salt, details string) string {
	sum := sha256.Sum256([]byte(salt + "\n" + details))
	return hex.EncodeToString(sum[:])
}

// hashOf is the hash of an entry: over its predecessor's and its own content.
func hashOf(previous string, e *link) (string, error) {
	content, err := json.Marshal([]any{
		chainVersion, previous, e.Chain, e.Position, e.ID, e.Created, e.ActorType, e.ActorID, e.ActorName,
		e.Action, e.Resource, e.Record, e.Digest, e.Address, e.Agent, e.Request,
	})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), nil
}

// appendTo adds an entry to its chain, in the transaction of what it tells.
func appendTo(tx atomic.Tx, e *link) error {
	var head int64
	var previous string
	err := atomic.One(tx, `SELECT head, head_hash FROM audit_chains WHERE chain = ?`, []any{e.Chain}, &head, &previous)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	salt := make([]byte, 16)
	rand.Read(salt) // never fails (crypto/rand)
	e.Position, e.ActorID, e.Salt = head+1, e.User, hex.EncodeToString(salt)
	e.Digest = digestOf(e.Salt, e.Details)
	if e.Hash, err = hashOf(previous, e); err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO audit_logs
		(id, organization, user, actor_name, actor_type, action, resource, record, details, ip_address, user_agent, request_id, created, updated,
		chain, position, actor_id, salt, digest, hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.ID, e.Organization, e.User, e.ActorName, e.ActorType, e.Action, e.Resource, e.Record, e.Details,
		e.Address, e.Agent, e.Request, e.Created, e.Created,
		e.Chain, e.Position, e.ActorID, e.Salt, e.Digest, e.Hash); err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO audit_chains (id, chain, head, head_hash, base, base_hash, unchained, created, updated) VALUES (?, ?, ?, ?, 0, '', 0, ?, ?)
		ON CONFLICT (chain) DO UPDATE SET head = excluded.head, head_hash = excluded.head_hash, updated = excluded.updated`,
		core.GenerateDefaultRandomId(), e.Chain, e.Position, e.Hash, e.Created, e.Created)
	return err
}

// Erase empties the details of entries about rows of these resources: what they
// tell of a person goes, that something was done stays, and the chain still holds.
// Each batch is a transaction of its own, overwritten in the database's pages; with
// a transaction's app all are part of that one.
func Erase(ctx context.Context, app core.App, organization string, resources, records []string) (int, error) {
	total := 0
	for some := range slices.Chunk(records, batch) {
		args, err := eraseArgs(organization, resources, some)
		if err != nil {
			return total, err
		}
		for n := batch; n == batch; total += n {
			if err := ctx.Err(); err != nil {
				return total, err
			}
			if app.IsTransactional() {
				n, err = change(atomic.Of(app), eraseSome, args...)
			} else {
				err = app.RunInTransaction(func(tx core.App) error {
					return database.Wipe(tx, func() (err error) {
						n, err = change(atomic.Of(tx), eraseSome, args...)
						return err
					})
				})
			}
			if err != nil {
				return total, err
			}
		}
	}
	return total, nil
}

const eraseSome = `UPDATE audit_logs SET details = ?, salt = '' WHERE rowid IN (SELECT rowid FROM audit_logs
	WHERE organization = ? AND record IN (SELECT value FROM json_each(?)) AND resource IN (SELECT value FROM json_each(?))
	AND details IS NOT ? LIMIT ?)`

func eraseArgs(organization string, resources, records []string) ([]any, error) {
	about, err := json.Marshal(records)
	if err != nil {
		return nil, err
	}
	of, err := json.Marshal(resources)
	return []any{Erased, organization, string(about), string(of), Erased, batch}, err
}

// batch is how many entries are changed in one transaction: others wait for it.
const batch = 500

// Trim removes the entries of an organization up to an instant, and notes where
// its chain begins now. Entries go from the beginning of the chain only: one
// with a later time keeps what comes after it.
func Trim(ctx context.Context, app core.App, organization, before string) (total int, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n := 0
		err := app.RunInTransaction(func(txApp core.App) error {
			var err error
			n, err = trim(atomic.Of(txApp), organization, before)
			return err
		})
		total += n
		if err != nil || n == 0 {
			return total, err
		}
	}
}

func trim(tx atomic.Tx, organization, before string) (int, error) {
	var base, upTo int64
	var hash string
	var unchained, chained int
	// position > 0 is the index's own condition; without it the log is read.
	err := atomic.One(tx, `SELECT base, base_hash, unchained, coalesce((SELECT position - 1 FROM audit_logs
		WHERE chain = c.chain AND position > 0 AND position > c.base AND position <= c.base + ? AND created >= ? ORDER BY position LIMIT 1),
		min(base + ?, head)) FROM audit_chains c WHERE chain = ?`,
		[]any{batch, before, batch, organization}, &base, &hash, &unchained, &upTo)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("audit log: %w", err)
	}
	if upTo > base {
		if err := atomic.One(tx, `SELECT hash FROM audit_logs WHERE chain = ? AND position = ? AND position > 0`,
			[]any{organization, upTo}, &hash); err != nil {
			return 0, fmt.Errorf("audit log: entry %d: %w", upTo, err)
		}
	}
	// Two statements: joined by OR they would read the whole log.
	if unchained > 0 {
		unchained, err = change(tx, `DELETE FROM audit_logs WHERE id IN (SELECT id FROM audit_logs
			WHERE organization = ? AND created < ? AND position = 0 LIMIT ?)`, organization, before, batch)
		if err != nil {
			return 0, err
		}
	}
	if upTo > base {
		if chained, err = change(tx, `DELETE FROM audit_logs WHERE chain = ? AND position > 0 AND position <= ?`,
			organization, upTo); err != nil {
			return 0, err
		}
	}
	if unchained+chained == 0 {
		return 0, nil
	}
	if _, err := tx.Exec(`UPDATE audit_chains SET base = ?, base_hash = ?, unchained = max(0, unchained - ?) WHERE chain = ?`,
		max(base, upTo), hash, unchained, organization); err != nil {
		return 0, fmt.Errorf("audit log: %w", err)
	}
	return unchained + chained, nil
}

// change runs a statement and counts what it changed.
func change(tx atomic.Tx, query string, args ...any) (int, error) {
	result, err := tx.Exec(query, args...)
	if err != nil {
		return 0, fmt.Errorf("audit log: %w", err)
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// Forget ends the chain of an organization that is gone with its rows.
func Forget(tx atomic.Tx, organization string) error {
	_, err := tx.Exec(`DELETE FROM audit_chains WHERE chain = ? AND NOT EXISTS (SELECT 1 FROM audit_logs WHERE chain = ?)`,
		organization, organization)
	return err
}

// Chain is what verifying the log of one organization found.
type Chain struct {
	// Organization is its id; "" is the installation's own log.
	Organization string
	Entries      int
	Erased       int    // entries whose details were erased
	Head         string // the hash of the last entry
	Position     int64  // its place
	// Broken is nil when every entry is as it was written.
	Broken *Break
}

// Break is the first entry at which a chain does not hold.
type Break struct {
	ID, Reason string
	At         time.Time
}

// Verify follows the chains, or that of one organization, and says where each
// does not hold. It sees the log as it was at one instant: entries are added, and
// go, while it reads, and a chain is only whole together with its noted ends.
func Verify(ctx context.Context, app core.App, only ...string) (found []Chain, err error) {
	reads, err := database.Reading(app)
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	// Read only, so that the log can be written meanwhile.
	tx, err := reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	chains, err := chainsOf(tx)
	if err != nil {
		return nil, err
	}
	for _, c := range chains {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(only) > 0 && c.chain != only[0] {
			continue
		}
		one, err := c.follow(tx)
		if err != nil {
			return nil, fmt.Errorf("audit log of %q: %w", c.chain, err)
		}
		found = append(found, one)
	}
	return found, nil
}

// ends are where a chain begins and ends, as it was noted.
type ends struct {
	chain, headHash, baseHash string
	head, base                int64
	unchained                 int
	noted                     bool
}

// chainsOf are all chains: those that were noted and those that entries name.
func chainsOf(tx atomic.Tx) (all []ends, err error) {
	rows, err := tx.Query(`SELECT a.chain, coalesce(c.head, 0), coalesce(c.head_hash, ''), coalesce(c.base, 0), coalesce(c.base_hash, ''),
		coalesce(c.unchained, 0), c.id IS NOT NULL
		FROM (SELECT chain FROM audit_chains UNION SELECT CASE position WHEN 0 THEN organization ELSE chain END FROM audit_logs) a
		LEFT JOIN audit_chains c ON c.chain = a.chain LEFT JOIN organizations o ON o.id = a.chain
		WHERE o.deletes_at IS NULL OR o.deletes_at = '' OR o.deletes_at > strftime('%Y-%m-%d %H:%M:%fZ') ORDER BY a.chain`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e ends
		if err := rows.Scan(&e.chain, &e.head, &e.headHash, &e.base, &e.baseHash, &e.unchained, &e.noted); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

const selectChain = `SELECT id, organization, user, actor_id, actor_name, actor_type, action, resource, record, details, salt, digest, ip_address, user_agent,
	request_id, created, hash, position FROM audit_logs WHERE chain = ? AND position > 0 ORDER BY position, id`

// follow reads one chain from its beginning to its end.
func (c ends) follow(tx atomic.Tx) (Chain, error) {
	found := Chain{Organization: c.chain, Head: c.baseHash, Position: c.base}
	rows, err := tx.Query(selectChain, c.chain)
	if err != nil {
		return found, err
	}
	defer rows.Close()
	for rows.Next() {
		e := link{Chain: c.chain}
		if err := rows.Scan(&e.ID, &e.Organization, &e.User, &e.ActorID, &e.ActorName, &e.ActorType, &e.Action,
			&e.Resource, &e.Record, &e.Details,
			&e.Salt, &e.Digest, &e.Address, &e.Agent, &e.Request, &e.Created, &e.Hash, &e.Position); err != nil {
			return found, err
		}
		reason, err := e.wrong(found.Position, found.Head)
		if err != nil {
			return found, err
		}
		if reason != "" {
			found.Broken = broken(&e, reason)
			return found, nil
		}
		found.Entries++
		if e.Details == Erased && e.Salt == "" {
			found.Erased++
		}
		found.Head, found.Position = e.Hash, e.Position
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return found, err
	}
	if !c.noted || found.Position != c.head || !equal(found.Head, c.headHash) {
		found.Broken = &Break{Reason: fmt.Sprintf("entries are missing at the end: %d is the last, %d were written",
			found.Position, c.head)}
		return found, nil
	}
	return found, c.stray(tx, &found)
}

// stray looks for entries beside the chain. There are only those from before
// there was one.
func (c ends) stray(tx atomic.Tx, found *Chain) error {
	var n int
	if err := atomic.One(tx, `SELECT count(*) FROM audit_logs WHERE organization = ? AND position = 0`,
		[]any{c.chain}, &n); err != nil || n == c.unchained {
		return err
	}
	if n < c.unchained {
		found.Broken = &Break{Reason: fmt.Sprintf("%d of %d entries from before the chain are missing",
			c.unchained-n, c.unchained)}
		return nil
	}
	e := link{}
	err := atomic.One(tx,
		`SELECT id, created FROM audit_logs WHERE organization = ? AND position = 0 ORDER BY rowid DESC LIMIT 1`,
		[]any{c.chain}, &e.ID, &e.Created)
	found.Broken = broken(&e, "the entry was put in beside the chain")
	return err
}

// wrong says why an entry does not follow its predecessor; "" when it does.
func (e *link) wrong(position int64, previous string) (string, error) {
	switch {
	case e.Position > position+1:
		return fmt.Sprintf("%d entries before this one are missing", e.Position-position-1), nil
	case e.Position <= position:
		return "the entry has the place of another one", nil
	}
	hash, err := hashOf(previous, e)
	if err != nil {
		return "", err
	}
	switch {
	case !equal(hash, e.Hash):
		return "the entry, or the one before it, is not what was written", nil
	case e.User != "" && e.User != e.ActorID, e.Organization != "" && e.Organization != e.Chain:
		return "the entry names another person or organization than was written", nil
	case (e.Details != Erased || e.Salt != "") && !equal(digestOf(e.Salt, e.Details), e.Digest):
		return "the details are not what was written", nil
	}
	return "", nil
}

func broken(e *link, reason string) *Break {
	at, err := time.Parse("2006-01-02 15:04:05.000Z", e.Created)
	if err != nil {
		at = time.Time{} // the time itself was changed
	}
	return &Break{ID: e.ID, Reason: reason, At: at}
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
