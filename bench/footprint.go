package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// starts measures how long both take to their first answer and what they hold
// when nobody asks anything.
func (b *bench) starts(d *desk) error {
	group := "Start and size, " + sizeName(d.calls)
	var boot [2][]float64
	var held [2]memory
	programs := []program{d.product(b), d.floor(b)}
	for n := range 5 {
		for i, p := range programs {
			s, err := p.start()
			if err != nil {
				return err
			}
			boot[i] = append(boot[i], millis(s.boot))
			if n == 4 {
				time.Sleep(3 * time.Second)
				held[i] = s.memory()
			}
			s.stop()
		}
	}
	b.row(row{Group: group, Measure: "from the start to the first 200", Product: ms(median(boot[0])),
		Floor: ms(median(boot[1])), Against: "bare PocketBase",
		Ratio: median(boot[0]) / median(boot[1]), Target: atMost(1.5)})
	b.row(row{Group: group, Measure: "memory, idle (PSS)", Product: mb(held[0].pss), Floor: mb(held[1].pss),
		Against: "bare PocketBase",
		Ratio:   float64(held[0].pss) / float64(held[1].pss), Target: atMost(1.5)})
	b.row(row{Group: group, Measure: "of that anonymous", Product: mb(held[0].anonymous), Floor: mb(held[1].anonymous),
		Against: "bare PocketBase",
		Ratio:   float64(held[0].anonymous) / float64(held[1].anonymous)})
	b.row(row{Group: group, Measure: "binary, stripped", Product: mb(size(b.productBinary)),
		Floor: mb(size(b.floorBinary)), Against: "bare PocketBase",
		Ratio: float64(size(b.productBinary)) / float64(size(b.floorBinary))})
	b.row(row{Group: group, Measure: "database file", Product: mb(size(filepath.Join(programs[0].dir, "data.db")))})
	return nil
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

const (
	groupLimit = 256 << 20
	// crowdSize is how many people ask the worst question they can at once.
	crowdSize = 64
	// crowdPatience is how long they wait.
	crowdPatience = 12 * time.Second
)

// worst are the most expensive questions an owner may ask.
func worst(d *desk) []string {
	filter := func(f string) string { return "&filter=" + url.QueryEscape(f) }
	page := "/api/organizations/" + d.organization
	return []string{
		"/api/collections/calls/records?perPage=500&skipTotal=0&sort=-started_at",
		"/api/collections/calls/records?perPage=500&skipTotal=0" + filter("summary ~ 'zzz'"),
		"/api/collections/calls/records?perPage=500&skipTotal=0" +
			filter("organization='"+d.organization+"' && (notes ~ 'zzz' || summary ~ 'a')"),
		"/api/collections/calls/records?perPage=500&page=1900&sort=-started_at",
		"/api/collections/calls/records?perPage=500&skipTotal=0" + filter("call_reports_via_call.transcript ~ 'zzz'"),
		"/api/collections/calls/records?perPage=500&skipTotal=0" +
			filter("contact.phone_number ~ '99' && messages_via_call.content ?~ 'zzz'"),
		"/api/collections/call_reports/records?perPage=500&skipTotal=0" + filter("transcript ~ 'zzz'"),
		"/api/collections/call_reports/records?perPage=500&sort=-created&expand=call,call.contact",
		"/api/collections/contacts/records?perPage=500&skipTotal=0" + filter("calls_via_contact.summary ~ 'zzz'"),
		page + "/calls?limit=200&search=" + commonWord + "+&order=best",
		page + "/calls?limit=200&search=dental+good+morning+&order=best",
		page + "/calls?limit=200&sort=-cost_micros&outcome=failed",
		page + "/calls?limit=200&resolution_status=failed&priority=urgent",
		page + "/calls.csv?status=completed",
		page + "/home",
		"/api/dashboard/metrics",
		"/api/calls?page=5000&limit=100",
		"/functions/v1/calls?page=5000&limit=100",
	}
}

// survive asks the worst questions inside a memory limit.
func (b *bench) survive(d *desk) error {
	group := fmt.Sprintf("Inside %d MB, %d people ask the worst they can, %s", groupLimit>>20, crowdSize,
		sizeName(d.calls))
	limited := true
	ask := func(p program, paths []string) (verdict string, answered int, peak memory, err error) {
		g, err := newGroup(groupLimit)
		if err != nil {
			limited = false
		} else {
			defer g.remove()
			p.cgroup = g.dir
		}
		p.cpu = ""
		s, err := p.start()
		if err != nil {
			return "did not start", 0, peak, nil
		}
		defer s.stop()
		stop := s.peak()
		o := load{addr: s.addr, senders: crowdSize, length: crowdPatience,
			player: func(i int) player {
				return &turns{reqs: requests(s, d.tokens[i%len(d.tokens)], paths), at: i}
			}}.run()
		peak = stop()
		b.say("%s: %d of %d people answered in %s, %d answers in all, worst %s; others: %s", p.name, o.first, crowdSize,
			crowdPatience, o.n, o.p(1).Round(time.Millisecond), o.problems())
		select {
		case <-s.done:
		case <-time.After(time.Second):
		}
		if !s.alive() || g != nil && g.oomKills() > 0 {
			return "killed", 0, peak, nil
		}
		if err := call(s, "GET", "/api/health", "", nil, nil); err != nil {
			return "no answer: " + err.Error(), 0, peak, nil
		}
		return fmt.Sprintf("alive, %d of %d people answered in %s", o.first, crowdSize, crowdPatience), o.first, peak, nil
	}
	product := d.product(b)
	// In a container the limit is read from the cgroup; a group inside this
	// machine's hierarchy is told in words.
	product.env = append(product.env, fmt.Sprintf("GOMEMLIMIT=%d", groupLimit*62/100))
	got, answered, peak, err := ask(product, worst(d))
	if err != nil {
		return err
	}
	stock, _, stockPeak, err := ask(d.floor(b), worst(d)[:9])
	if err != nil {
		return err
	}
	how := "memory cgroup"
	if !limited {
		how = "NO cgroup here: only GOMEMLIMIT"
	}
	b.row(row{Group: group, Measure: "the process (" + how + ")", Product: got, Floor: stock,
		Against: "stock PocketBase, its lists only", Target: must("alive, half of them"),
		Passed: limited && answered >= crowdSize/2})
	b.row(row{Group: group, Measure: "peak memory (PSS, anonymous)", Product: mb(peak.pss) + ", " + mb(peak.anonymous),
		Floor:   mb(stockPeak.pss) + ", " + mb(stockPeak.anonymous),
		Against: "stock PocketBase, its lists only"})
	return nil
}

// disk plays whole calls, packs them as the nightly job does, and looks how the
// file grows once it has reached its working size.
func (b *bench) disk() error {
	d := &desk{dir: filepath.Join(b.cache, "disk")}
	if err := os.RemoveAll(d.dir); err != nil {
		return err
	}
	if err := b.make(d); err != nil {
		return err
	}
	for i := range organizations {
		d.places = append(d.places, place{fmt.Sprintf("bench-number-%02d", i), fmt.Sprintf("bench-assistant-%02d", i)})
	}
	p := d.product(b)
	const each = 500
	var sizes []int64
	var raw int64
	for range 5 {
		s, err := p.start()
		if err != nil {
			return err
		}
		st := b.play(s, productHook, d, time.Minute, 0, each)
		s.stop()
		if st.calls != each {
			return fmt.Errorf("disk: %d of %d calls played: %s", st.calls, each, st.problems())
		}
		grown, err := checkpoint(p.dir,
			`UPDATE provider_events SET created = strftime('%Y-%m-%d %H:%M:%fZ', created, '-11 minutes') WHERE status = 'applied'`)
		if err != nil {
			return err
		}
		if len(sizes) == 0 {
			raw = grown
		}
		var out bytes.Buffer
		for range 2 {
			if err := p.command(&out, "jobs", "run", "inbox.pack"); err != nil {
				return err
			}
		}
		packed, err := checkpoint(p.dir, "")
		if err != nil {
			return err
		}
		sizes = append(sizes, packed)
	}
	left, err := single(p.dir)
	if err != nil {
		return err
	}
	if left > 0 {
		return fmt.Errorf("disk: %d messages were not packed", left)
	}
	perCall := float64(sizes[len(sizes)-1]-sizes[1]) / float64((len(sizes)-2)*each)
	b.row(row{Group: "Disk", Measure: "a finished call all in: rows, indexes, search, packed messages (no VACUUM)",
		Product: fmt.Sprintf("%.1f kB", perCall/1000),
		Target:  must("≤ 6 kB"), Passed: perCall <= 6000})
	b.row(row{Group: "Disk", Measure: fmt.Sprintf("working size with %d calls not packed yet", each), Product: mb(raw)})
	return nil
}

// checkpoint runs a statement in a stopped server's file and returns its size.
func checkpoint(dir, statement string) (int64, error) {
	db, err := openFile(dir)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	for _, s := range []string{statement, "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if s == "" {
			continue
		}
		if _, err := db.Exec(s); err != nil {
			return 0, err
		}
	}
	return size(filepath.Join(dir, "data.db")), nil
}

func single(dir string) (n int, err error) {
	db, err := openFile(dir)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	return n, db.QueryRow("SELECT count(*) FROM provider_events WHERE status = 'applied'").Scan(&n)
}

// sqlite measures what the disk and SQLite can do here without any server.
func (b *bench) sqlite() error {
	dir, err := os.MkdirTemp(b.cache, "sqlite")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", filepath.Join(dir, "data.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)"); err != nil {
		return err
	}
	value := strings.Repeat("x", 200)
	insert, err := db.Prepare("INSERT INTO t (v) VALUES (?)")
	if err != nil {
		return err
	}
	ones := 0
	for end := time.Now().Add(b.length); time.Now().Before(end); ones++ {
		if _, err := insert.Exec(value); err != nil {
			return err
		}
	}
	many := 0
	for end := time.Now().Add(b.length); time.Now().Before(end); many += 100 {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		bound := tx.Stmt(insert)
		for range 100 {
			if _, err := bound.Exec(value); err != nil {
				return err
			}
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	file, err := os.Create(filepath.Join(dir, "raw"))
	if err != nil {
		return err
	}
	defer file.Close()
	block := make([]byte, 4096)
	var syncs []float64
	for end := time.Now().Add(b.length / 2); time.Now().Before(end); {
		begin := time.Now()
		if _, err := file.WriteAt(block, 0); err != nil {
			return err
		}
		if err := file.Sync(); err != nil {
			return err
		}
		syncs = append(syncs, millis(time.Since(begin)))
	}
	slices.Sort(syncs)
	group := "What this machine can do"
	b.row(row{Group: group, Measure: "SQLite, one row a commit, FULL",
		Product: perSecond(float64(ones) / b.length.Seconds())})
	b.row(row{Group: group, Measure: "SQLite, 100 rows a commit, FULL",
		Product: perSecond(float64(many)/b.length.Seconds()) + " rows"})
	b.row(row{Group: group, Measure: "4 KiB written and synced (p50)", Product: ms(syncs[len(syncs)/2])})
	return nil
}
