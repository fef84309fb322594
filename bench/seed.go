package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver both servers use

	_ "github.com/pocketline/pocketline/collections/words" // its function fills the search index
)

// What every bench database holds beside calls.
const (
	email    = "bench@pocketline.test"
	password = "a-password-for-the-bench"

	// organizations share the incoming messages, as an installation's would.
	organizations = 40
	// other is the organization beside the big one.
	other = "benchorg0000001"
	// people watch; one person may hold twenty streams.
	people = 56

	// rareWord was said in about twenty calls of a database of any size.
	rareWord   = "xylophone"
	rareCalls  = 20
	commonWord = "appointment"
	phrase     = `"booked for nine thirty on"`

	// The environment of the product's commands and server.
	webhookSecret = "a-secret-of-this-bench-only"
	masterKey     = "0123456789abcdef0123456789abcdef"
)

// desk is a data directory of the product and the copy the floor works on.
type desk struct {
	dir          string // of both
	calls        int
	organization string
	user         string
	token        string   // of the owner
	people       []string // who watches
	tokens       []string // of them
	super        string
	places       []place
}

func (d *desk) product(b *bench) program {
	return program{name: "product", binary: b.productBinary, dir: filepath.Join(d.dir, "product"),
		cpu: b.serverCPU, env: []string{
			"POCKETLINE_KEY=" + masterKey, "VAPI_WEBHOOK_HMAC_SECRET=" + webhookSecret, "POCKETLINE_WEBHOOK_RATE=1000000",
			// A thousand dashboards open their streams from one address.
			"POCKETLINE_GUEST_STREAMS=1000000", "POCKETLINE_CONNECTIONS=1000000",
		}}
}

func (d *desk) floor(b *bench) program {
	return program{name: "floor", binary: b.floorBinary, dir: filepath.Join(d.dir, "floor"),
		cpu: b.serverCPU, env: []string{
			"BENCH_SECRET=" + webhookSecret, "BENCH_BARE_ADDR=" + b.bareAddr,
		}}
}

// state is what a kept directory remembers.
type state struct {
	Calls        int
	Organization string
	User         string
}

// open makes a desk with that many past calls, or takes the one of the cache.
func (b *bench) open(calls int) (*desk, error) {
	d := &desk{dir: filepath.Join(b.cache, fmt.Sprintf("calls-%d", calls)), calls: calls}
	for i := range organizations {
		d.places = append(d.places, place{fmt.Sprintf("bench-number-%02d", i), fmt.Sprintf("bench-assistant-%02d", i)})
	}
	for i := range people {
		d.people = append(d.people, person(i))
	}
	return d, b.keep(d, b.make)
}

// keep has a desk made once and kept in its directory.
func (b *bench) keep(d *desk, make func(*desk) error) error {
	mark := filepath.Join(d.dir, "ready.json")
	var s state
	if raw, err := os.ReadFile(mark); err == nil && json.Unmarshal(raw, &s) == nil && s.Calls == d.calls {
		d.organization, d.user = s.Organization, s.User
		b.say("%d calls: from the cache", d.calls)
		return nil
	}
	if err := os.RemoveAll(d.dir); err != nil {
		return err
	}
	if err := make(d); err != nil {
		return fmt.Errorf("make %d calls: %w", d.calls, err)
	}
	raw, err := json.Marshal(state{d.calls, d.organization, d.user})
	if err != nil {
		return err
	}
	return os.WriteFile(mark, raw, 0o600)
}

// found sets a new desk up, with one owner and one organization, and stops it.
func (b *bench) found(d *desk) error {
	p := d.product(b)
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	s, err := p.start()
	if err != nil {
		return err
	}
	defer s.stop()
	var out bytes.Buffer
	if err := p.command(&out, "superuser", "upsert", email, password); err != nil {
		return err
	}
	var made struct {
		Record       struct{ ID string }
		Organization struct{ ID string }
	}
	if err := call(s, "POST", "/api/setup", "", map[string]any{
		"name": "Bench", "email": email, "password": password, "organization": "Bench", "timezone": "UTC", "language": "en",
	}, &made); err != nil {
		return err
	}
	d.organization, d.user = made.Organization.ID, made.Record.ID
	return liftLimits(s)
}

func (b *bench) make(d *desk) error {
	if err := b.found(d); err != nil {
		return err
	}
	p := d.product(b)
	if err := populate(p.dir, d); err != nil {
		return err
	}
	if d.calls > 0 {
		b.say("%d calls: seeding", d.calls)
		if err := seed(p, d); err != nil {
			return err
		}
	}
	if err := finish(p.dir, d.calls); err != nil {
		return err
	}
	return copyToFloor(p.dir, d.floor(b).dir)
}

// seed makes the past calls of the hard case of tenant lists: one organization
// owns almost all rows.
func seed(p program, d *desk) error {
	var out bytes.Buffer
	small := d.calls / 20
	if err := p.command(&out, "seed", "--organization", other, "--calls", fmt.Sprint(small)); err != nil {
		return err
	}
	if d.calls > seededMost {
		if err := repeat(p.dir, other, d.organization, d.calls-small); err != nil {
			return err
		}
	} else if err := p.command(&out, "seed", "--organization", d.organization, "--calls",
		fmt.Sprint(d.calls-small)); err != nil {
		return err
	}
	return p.command(&out, "jobs", "run", "calls.index") // a server does within a minute
}

// liftLimits lets one address ask as often as it likes: the limiter still
// counts, but the whole load comes from here.
func liftLimits(s *server) error {
	var answer struct{ Token string }
	if err := call(s, "POST", "/api/collections/_superusers/auth-with-password", "",
		map[string]any{"identity": email, "password": password}, &answer); err != nil {
		return err
	}
	rules := []map[string]any{{"label": "*:create", "maxRequests": 1_000_000_000, "duration": 10},
		{"label": "/api/", "maxRequests": 1_000_000_000, "duration": 10},
		{"label": "/functions/", "maxRequests": 1_000_000_000, "duration": 10}}
	return call(s, "PATCH", "/api/settings", answer.Token,
		map[string]any{"rateLimits": map[string]any{"enabled": true, "rules": rules}}, nil)
}

func openFile(dir string) (*sql.DB, error) {
	db, err := sql.Open("sqlite",
		filepath.Join(dir, "data.db")+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// populate adds the organizations whose phones ring and the people who watch.
func populate(dir string, d *desk) error {
	db, err := openFile(dir)
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing to undo after the commit
	const now = "2026-01-01 00:00:00.000Z"
	for i := range organizations {
		organization := d.organization
		if i > 0 {
			organization = fmt.Sprintf("benchorg%07d", i)
			if err := clone(tx, "organizations", d.organization,
				map[string]any{"id": organization, "name": fmt.Sprintf("Bench %d", i), "member_key": ""}); err != nil {
				return err
			}
		}
		assistant := fmt.Sprintf("benchassist%04d", i)
		if _, err := tx.Exec(`INSERT INTO assistants (id, organization, name, type, status, vapi_assistant_id, sync_status, created, updated)
			VALUES (?, ?, 'Front desk', 'voice', 'active', ?, 'synced', ?, ?)`, assistant, organization,
			fmt.Sprintf("bench-assistant-%02d", i), now, now); err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO phone_numbers (id, organization, phone_number, provider, number_type, status, assistant, vapi_phone_id, sync_status, created, updated)
			VALUES (?, ?, ?, 'vapi', 'voice', 'active', ?, ?, 'synced', ?, ?)`, fmt.Sprintf("benchnumber%04d", i), organization,
			fmt.Sprintf("+1202555%04d", i), assistant, fmt.Sprintf("bench-number-%02d", i), now, now); err != nil {
			return err
		}
	}
	var membership string
	if err := tx.QueryRow(`SELECT id FROM memberships WHERE user = ?`, d.user).Scan(&membership); err != nil {
		return err
	}
	for i := range people {
		id := person(i)
		if err := clone(tx, "users", d.user, map[string]any{"id": id, "email": fmt.Sprintf("watcher%02d@pocketline.test", i),
			"tokenKey": strings.Repeat(id, 3)}); err != nil {
			return err
		}
		if err := clone(tx, "memberships", membership,
			map[string]any{"id": fmt.Sprintf("benchmember%04d", i), "user": id}); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func person(i int) string { return fmt.Sprintf("benchperson%04d", i) }

// clone copies a row with other values in some columns.
func clone(tx *sql.Tx, table, id string, changes map[string]any) error {
	rows, err := tx.Query(`SELECT name FROM pragma_table_info(?)`, table)
	if err != nil {
		return err
	}
	defer rows.Close()
	var names, values []string
	var args []any
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		quoted := "`" + name + "`"
		names = append(names, quoted)
		if v, ok := changes[name]; ok {
			values = append(values, "?")
			args = append(args, v)
		} else {
			values = append(values, quoted)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	_, err = tx.Exec("INSERT INTO `"+table+"` ("+strings.Join(names, ", ")+") SELECT "+strings.Join(values, ", ")+
		" FROM `"+table+"` WHERE id = ?", append(args, id)...)
	return err
}

// optimize gathers what PocketBase's nightly job gathers, in all tables: with
// the bound (0x10) that PRAGMA optimize has by itself. Without it SQLite would
// also keep samples of every index, which no installation has, and plan each
// statement twice to look at its values.
const optimize = "PRAGMA optimize=0x10012"

// finish plants the rare word and folds the log into the file.
func finish(dir string, calls int) error {
	db, err := openFile(dir)
	if err != nil {
		return err
	}
	defer db.Close()
	if calls > 0 {
		if _, err := db.Exec(`UPDATE call_reports SET transcript = transcript || 'User: The `+rareWord+
			` in your waiting room is lovely.' WHERE position % ? = 7 % ?`,
			max(calls/rareCalls, 1), max(calls/rareCalls, 1)); err != nil {
			return err
		}
	}
	for _, statement := range []string{optimize, "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := db.Exec(statement); err != nil {
			return err
		}
	}
	return nil
}

// copyToFloor gives the floor the same rows. The product's sealed settings are
// left out: the floor runs with PocketBase's own.
func copyToFloor(from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"data.db", "auxiliary.db"} {
		if err := copyFile(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	db, err := openFile(to)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, statement := range append([]string{"DELETE FROM _params WHERE id = 'settings'"}, floorIndexes...) {
		if _, err := db.Exec(statement); err != nil {
			return err
		}
	}
	return nil
}

// floorIndexes are what the floor's handler looks rows up by: the product's own
// indexes are partial or begin with another column, which its queries say and
// FindFirstRecordByData does not.
var floorIndexes = []string{
	"CREATE INDEX bench_calls ON calls (vapi_call_id)",
	"CREATE INDEX bench_events ON provider_events (event_key)",
	"CREATE INDEX bench_numbers ON phone_numbers (vapi_phone_id)",
}

func copyFile(from, to string) error {
	if exec.Command("cp", "--reflink=auto", from, to).Run() == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(err, out.Close())
	}
	return out.Close()
}

// signIn fetches the tokens of the superuser, the owner and the people who
// watch. Both servers accept them: the keys are in the copied rows.
func (d *desk) signIn(s *server) error {
	if d.token != "" {
		return nil
	}
	var answer struct{ Token string }
	if err := call(s, "POST", "/api/collections/_superusers/auth-with-password", "",
		map[string]any{"identity": email, "password": password}, &answer); err != nil {
		return err
	}
	d.super = answer.Token
	var err error
	if d.token, err = d.tokenOf(s, d.user); err != nil {
		return err
	}
	for _, id := range d.people {
		token, err := d.tokenOf(s, id)
		if err != nil {
			return err
		}
		d.tokens = append(d.tokens, token)
	}
	return nil
}

func (d *desk) tokenOf(s *server, user string) (string, error) {
	var answer struct{ Token string }
	err := call(s, "POST", "/api/collections/users/impersonate/"+user, d.super, map[string]any{"duration": 24 * 3600},
		&answer)
	return answer.Token, err
}

// call is one request with JSON both ways; anything but 2xx is an error.
func call(s *server, method, path, token string, body, answer any) error {
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return err
		}
	}
	c := &conn{addr: s.addr}
	defer c.close()
	status, got, err := c.do(request(method, s.addr, path, token, sent))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if status < http.StatusOK || status >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s at the %s: %d: %s", method, path, s.name, status, tail(string(got)))
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(got, answer)
}
