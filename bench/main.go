// Command bench measures Pocketline beside a bare PocketBase ("floor") in one
// run and prints what was reached and what was promised. `make bench` runs it.
//
// Both servers work on the same rows, one after the other in short rounds, so
// that a busy machine slows both; the ratios are what counts.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

type bench struct {
	cache         string
	productBinary string
	floorBinary   string
	serverCPU     string
	bareAddr      string
	rounds        int
	length        time.Duration
	version       string
	command       string
	began         time.Time
	only          []string
	runs          int
	rows          []row
	busy          busy
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	b := &bench{began: time.Now()}
	o, err := b.options()
	if err != nil {
		return err
	}
	if out, err := exec.Command("git", "describe", "--tags", "--always", "--dirty").Output(); err == nil {
		b.version = strings.TrimSpace(string(out))
	}
	temporary, err := os.MkdirTemp("", "pocketline-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	stopOnSignal(temporary)
	if b.cache == "" {
		b.cache = temporary
	} else if err := os.MkdirAll(b.cache, 0o700); err != nil {
		return err
	}
	b.productBinary, b.floorBinary = filepath.Join(temporary, "pocketline"), filepath.Join(temporary, "floor")
	b.say("building")
	if o.product != "" {
		b.productBinary = o.product
	} else if err := build(".", b.productBinary); err != nil {
		return err
	}
	if err := build("./bench/floor", b.floorBinary); err != nil {
		return err
	}
	if o.pinned {
		b.serverCPU = pin()
	}
	if b.bareAddr, err = freeAddr(); err != nil {
		return err
	}
	go b.busy.watch()
	if err := b.measure(o.calls, o.organizations); err != nil {
		return err
	}
	missed := b.missed()
	if o.out != "" {
		if err := b.write(o.out); err != nil {
			return err
		}
	}
	low, mean, high := b.busy.read()
	fmt.Printf("%d rows, %d missed; load average %.1f to %.1f, mean %.1f; %s\n", len(b.rows), missed, low,
		high, mean, time.Since(b.began).Round(time.Second))
	return nil
}

// options are what the command line chose beside what the bench itself keeps.
type options struct {
	calls, organizations int
	out, product         string
	pinned               bool
}

func (b *bench) options() (o options, err error) {
	flag.IntVar(&o.calls, "calls", 100_000,
		"calls in the largest database; lists and search are also measured at 1,000 and, above it, at 100,000")
	flag.StringVar(&b.cache, "cache", "",
		"keep the filled databases in this directory and use them again (default: a temporary one)")
	flag.StringVar(&o.out, "o", "", "write the report into this page")
	flag.IntVar(&b.rounds, "rounds", 3, "how often each pair is measured")
	flag.DurationVar(&b.length, "length", 4*time.Second, "how long one measurement takes")
	flag.BoolVar(&o.pinned, "pin", true, "servers on the first core, the generator on the second")
	flag.StringVar(&o.product, "product", "", "measure this binary instead of building one")
	only := flag.String("only", "", "comma list of: sqlite, start, ingest, answers, reads, realtime, survive, disk, rules")
	flag.IntVar(&o.organizations, "organizations", 0,
		"rules are measured with this many organizations of as many calls each (default: 1000, with fewer than 100000 calls 110)")
	flag.Parse()
	if *only != "" {
		b.only = strings.Split(*only, ",")
	}
	if b.length < 100*time.Millisecond || b.rounds < 1 || o.calls < 1_000 {
		return o, fmt.Errorf("-length must be at least 100ms, -rounds 1, -calls 1000")
	}
	if o.organizations == 0 {
		o.organizations = ruleOrganizations
		if o.calls >= 100_000 {
			o.organizations = 1_000
		}
	}
	if o.organizations < ruleOrganizations || o.organizations > 5_000 {
		return o, fmt.Errorf("-organizations must be from %d to 5000", ruleOrganizations)
	}
	b.command = fmt.Sprintf("go run ./bench -calls %d -rounds %d -length %s", o.calls, b.rounds, b.length)
	if o.product != "" {
		b.command += " -product (a binary built before)"
	}
	return o, nil
}

// missed prints the measures that did not reach their target, and counts them.
func (b *bench) missed() (n int) {
	for _, r := range b.rows {
		if r.verdict() == "MISSED" {
			n++
			fmt.Printf("MISSED: %s: %s (wanted %s)\n", r.Group, r.Measure, r.Target.text)
		}
	}
	return n
}

func (b *bench) wanted(name string) bool { return len(b.only) == 0 || slices.Contains(b.only, name) }

// deskSections are measured on a database of past calls.
var deskSections = []string{"start", "ingest", "answers", "reads", "realtime", "survive"}

// sizes are the databases lists are measured on, smallest first.
func sizes(largest int) []int {
	all := []int{1_000}
	for _, n := range []int{100_000, largest} {
		if n <= largest && n > all[len(all)-1] {
			all = append(all, n)
		}
	}
	return all
}

func (b *bench) measure(largest, organizations int) error {
	if b.wanted("sqlite") {
		if err := b.sqlite(); err != nil {
			return err
		}
	}
	for _, n := range sizes(largest) {
		if !slices.ContainsFunc(deskSections, b.wanted) || n != largest && !b.wanted("reads") {
			continue
		}
		d, err := b.open(n)
		if err != nil {
			return err
		}
		if err := b.measureDesk(d, n == largest); err != nil {
			return fmt.Errorf("%s: %w", sizeName(n), err)
		}
	}
	if b.wanted("disk") {
		if err := b.disk(); err != nil {
			return err
		}
	}
	if b.wanted("rules") {
		return b.rules(organizations)
	}
	return nil
}

func (b *bench) measureDesk(d *desk, largest bool) error {
	if largest && b.wanted("start") {
		if err := b.starts(d); err != nil {
			return err
		}
	}
	if err := b.served(d, largest); err != nil {
		return err
	}
	if largest && b.wanted("survive") {
		return b.survive(d)
	}
	return nil
}

// pair starts both sides on a desk and signs its people in.
func (d *desk) pair(b *bench) (product, floor *server, err error) {
	if product, err = d.product(b).start(); err != nil {
		return nil, nil, err
	}
	if floor, err = d.floor(b).start(); err != nil {
		product.stop()
		return nil, nil, err
	}
	if err = d.signIn(product); err != nil {
		product.stop()
		floor.stop()
		return nil, nil, err
	}
	return product, floor, nil
}

// served is everything that is asked of two running servers.
func (b *bench) served(d *desk, largest bool) error {
	product, floor, err := d.pair(b)
	if err != nil {
		return err
	}
	defer product.stop()
	defer floor.stop()
	for _, part := range []struct {
		name string
		all  bool // measured at every size
		do   func(*desk, *server, *server) error
	}{{"reads", true, b.reads}, {"ingest", false, b.ingest}, {"answers", false, b.answers},
		{"realtime", false, b.realtime}} {
		if !b.wanted(part.name) || !part.all && !largest {
			continue
		}
		fmt.Printf("\n%s at %s\n", part.name, sizeName(d.calls))
		var watch [2]func() memory
		for i, s := range []*server{product, floor} {
			watch[i] = s.peak()
		}
		err := part.do(d, product, floor)
		fast, slow := watch[0](), watch[1]()
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		if part.name == "ingest" {
			b.row(row{Group: "Messages in (durable, exactly once)", Measure: "memory at its peak (PSS, anonymous)",
				Product: mb(fast.pss) + ", " + mb(fast.anonymous),
				Floor:   mb(slow.pss) + ", " + mb(slow.anonymous), Against: "find and Save()",
				Ratio: float64(fast.pss) / float64(slow.pss)})
		}
	}
	return nil
}
