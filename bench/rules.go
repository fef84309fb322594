package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pocketline/pocketline/faults/rig"
)

// What belongs to a person in this section, and who is there beside them.
var memberships = []int{1, 10, 100}

const (
	// ruleOrganizations is the least this section works with: more than the
	// most memberships of a person.
	ruleOrganizations = 110
	// colleagues are in every organization, so that its members are more than
	// the one who asks.
	colleagues = 10
	// watchersEach people of each kind look on with streamsEach streams each.
	watchersEach = 5
	streamsEach  = 10
)

func ruleOrganization(i int) string { return fmt.Sprintf("ruleorg%08d", i) }
func reader(kind int) string        { return fmt.Sprintf("rulereader%05d", kind) }
func watcher(kind, i int) string    { return fmt.Sprintf("rulewatch%02d%04d", kind, i) }

// rules measures what the access rules cost: a desk of n organizations with n
// calls each, asked by people with 1, 10 and 100 memberships.
//
// The other side is the same request, byte for byte, by the same person, to the
// floor, which has the same rows and no rule but a literal condition on the
// organization: in a list it is the filter of the request, which is in both; a
// view takes no filter, so there it is the floor's rule, and its value stands in
// the address. Asking the product as a superuser would compare two kinds of
// accounts besides, and leave out what the product does around its rules.
func (b *bench) rules(n int) error {
	d := &desk{dir: fmt.Sprintf("%s/rules-%d", b.cache, n), calls: n * n}
	for kind := range memberships {
		d.people = append(d.people, reader(kind))
	}
	for kind := range memberships {
		for i := range watchersEach {
			d.people = append(d.people, watcher(kind, i))
		}
	}
	if err := b.keep(d, func(d *desk) error { return b.makeRules(d, n) }); err != nil {
		return err
	}
	if err := enroll(d.product(b).dir, d); err != nil {
		return err
	}
	product, floor, err := d.pair(b)
	if err != nil {
		return err
	}
	defer product.stop()
	defer floor.stop()
	fmt.Printf("\nrules at %d organizations of %d calls\n", n, n)
	group := fmt.Sprintf("What the rules cost, %d organizations of %d calls", n, n)
	for kind, most := range memberships {
		if err := b.readUnderRules(d, product, floor, group, kind, most); err != nil {
			return err
		}
	}
	if err := b.hearUnderRules(d, product, floor, group); err != nil {
		return err
	}
	return b.removals(d, product, group)
}

// readUnderRules asks for lists and single calls of each of the person's
// organizations in turn.
func (b *bench) readUnderRules(d *desk, product, floor *server, group string, kind, most int) error {
	token := d.tokens[kind]
	var list, page, view []string
	for i := range most {
		organization := ruleOrganization(i + 1)
		list = append(list, "/api/collections/calls/records?perPage=30&skipTotal=1&sort=-started_at&filter="+
			url.QueryEscape("organization='"+organization+"'"))
		page = append(page, "/api/organizations/"+organization+"/calls?limit=30")
		id, err := newestCall(product, d.super, organization)
		if err != nil {
			return err
		}
		view = append(view, "/api/collections/calls/records/"+id+"?organization="+organization)
	}
	if err := sameAnswers(product, floor, token, slices.Concat(list, view)); err != nil {
		return err
	}
	times := "memberships"
	if most == 1 {
		times = "membership"
	}
	for _, r := range []reading{
		{measure: "PocketBase's REST list", product: list, floor: list, target: atMost(1.5)},
		{measure: "PocketBase's REST view", product: view, floor: view, target: atMost(1.5)},
		{measure: "the desk's own list", product: page, floor: list, target: atMost(1.5)},
	} {
		var ratios, fast, slow, cpuFast, cpuSlow []float64
		for range 3 * b.rounds { // short rounds: both sides see the same of a busy machine
			f, s := b.brief(product, token, r.product), b.brief(floor, token, r.floor)
			for _, o := range []outcome{f, s} {
				if x := o.problems(); x != "" {
					return fmt.Errorf("%s: %s", r.measure, x)
				}
			}
			fast, slow = append(fast, millis(f.p(0.5))), append(slow, millis(s.p(0.5)))
			cpuFast, cpuSlow = append(cpuFast, micros(f.cpu)), append(cpuSlow, micros(s.cpu))
			ratios = append(ratios, millis(f.p(0.5))/millis(s.p(0.5)))
		}
		b.row(row{Group: group, Measure: fmt.Sprintf("%s, %d %s", r.measure, most, times),
			Product: ms(median(fast)) + ", " + us(median(cpuFast)),
			Floor:   ms(median(slow)) + ", " + us(median(cpuSlow)), Against: "literal filter", Ratio: median(ratios),
			Target: r.target})
	}
	return nil
}

func (b *bench) brief(s *server, token string, paths []string) outcome {
	return load{server: s, addr: s.addr, senders: 1, length: b.length / 4,
		player: func(int) player { return &turns{reqs: requests(s, token, paths)} }}.run()
}

// sameAnswers makes sure that both sides do the same work: the rule takes
// nothing away from who may see everything that is asked for.
func sameAnswers(product, floor *server, token string, paths []string) error {
	type answer struct {
		ID    string
		Items []struct{ ID string }
	}
	for _, path := range paths {
		var got, want answer
		if err := call(product, "GET", path, token, nil, &got); err != nil {
			return err
		}
		if err := call(floor, "GET", path, token, nil, &want); err != nil {
			return err
		}
		if got.ID != want.ID || !slices.Equal(got.Items, want.Items) || got.ID == "" && len(got.Items) != 30 {
			return fmt.Errorf("%s: the product answers %d rows (%q), the floor %d (%q)", path, len(got.Items),
				got.ID, len(want.Items), want.ID)
		}
	}
	return nil
}

// hearUnderRules tells one change to the streams of people with few and with
// many memberships: by the desk's own topic, and by PocketBase's subscriptions,
// whose rule is asked for every stream.
func (b *bench) hearUnderRules(d *desk, product, floor *server, group string) error {
	tokens := func(kind int) []string {
		at := len(memberships) + kind*watchersEach
		return d.tokens[at : at+watchersEach]
	}
	a := audience{topic: "calls/*", streams: watchersEach * streamsEach, tokens: tokens(0), writes: 40,
		pause: 60 * time.Millisecond}
	bare, err := b.fanOut(floor, d.super, d.organization, a)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	for _, way := range []struct{ measure, topic string }{
		{"PocketBase's subscriptions", "calls/*"},
		{"the desk's own topic", "org/" + d.organization},
	} {
		for kind, most := range memberships {
			a.topic, a.tokens = way.topic, tokens(kind)
			b.settle(product)
			f, err := b.fanOut(product, d.super, d.organization, a)
			if err != nil {
				return fmt.Errorf("%s: %w", way.measure, err)
			}
			b.row(row{Group: group, Measure: fmt.Sprintf("a change reaches %d streams by %s, memberships each: %d",
				a.streams, way.measure, most),
				Product: ms(median(f.last)) + ", " + us(f.cpu) + " a stream",
				Floor:   ms(median(bare.last)) + ", " + us(bare.cpu) + " a stream",
				Against: "subscriptions, no rule", Ratio: median(f.last) / median(bare.last)})
		}
	}
	return nil
}

// removals takes people out of the organization, as its owner does, while they
// look on, and waits until their streams say that it is over.
func (b *bench) removals(d *desk, product *server, group string) error {
	var team struct {
		Members []struct {
			ID     string
			UserID string `json:"user_id"`
		}
	}
	if err := call(product, "GET", "/api/team-members?limit=100&organization="+d.organization, d.token,
		nil, &team); err != nil {
		return err
	}
	ids := map[string]string{}
	for _, m := range team.Members {
		ids[m.UserID] = m.ID
	}
	id, err := newestCall(product, d.super, d.organization)
	if err != nil {
		return err
	}
	b.settle(product)
	for kind, most := range memberships {
		var took []float64
		leaked := 0
		for i := range watchersEach {
			one, late, err := removal(d, product, ids[watcher(kind, i)], d.tokens[len(memberships)+kind*watchersEach+i], id)
			if err != nil {
				return fmt.Errorf("removal: %w", err)
			}
			took = append(took, millis(one))
			leaked += late
		}
		worst := slices.Max(took)
		text := ms(median(took)) + ", worst " + ms(worst)
		if leaked > 0 {
			text += fmt.Sprintf("; NO: %d messages after it", leaked)
		}
		b.row(row{Group: group, Measure: fmt.Sprintf("from removing a membership to the end of its streams, memberships: %d",
			most), Product: text,
			Target: must("≤ 1 s"), Passed: worst <= 1000 && leaked == 0})
	}
	return nil
}

// removal ends one membership. late counts what the person's stream still heard
// of a change that was made after the end and that the owner's stream heard.
func removal(d *desk, s *server, membership, token, callID string) (took time.Duration, late int, err error) {
	const patience = 10 * time.Second
	topic := "org/" + d.organization
	var after atomic.Bool
	var heard atomic.Int64
	ended := make(chan time.Time, 1)
	lost, err := rig.Listen(s.addr, token, []string{topic, "calls/*"}, func(line []byte) {
		switch {
		case bytes.HasPrefix(line, []byte("event:")) && !bytes.HasPrefix(line, []byte("event:ping")):
			if after.Load() {
				heard.Add(1)
			}
		case bytes.Contains(line, []byte(`"ended":true`)):
			select {
			case ended <- time.Now():
			default:
			}
		}
	})
	if err != nil {
		return 0, 0, err
	}
	defer lost.Close()
	told := make(chan string, 100)
	owner, err := rig.Listen(s.addr, d.token, []string{topic, "calls/*"}, func(line []byte) {
		if after.Load() && bytes.HasPrefix(line, []byte("event:")) {
			select {
			case told <- strings.TrimSpace(string(line)):
			default:
			}
		}
	})
	if err != nil {
		return 0, 0, err
	}
	defer owner.Close()
	begin := time.Now()
	if err := call(s, "DELETE", "/api/team-members/"+membership+"?organization="+d.organization, d.token,
		nil, nil); err != nil {
		return 0, 0, err
	}
	select {
	case at := <-ended:
		took = at.Sub(begin)
	case <-time.After(patience):
		return 0, 0, fmt.Errorf("the stream goes on %s later", patience)
	}
	after.Store(true)
	body := map[string]any{"notes": fmt.Sprintf("after %d", begin.UnixNano())}
	if err := call(s, "PATCH", "/api/collections/calls/records/"+callID, d.super, body, &json.RawMessage{}); err != nil {
		return 0, 0, err
	}
	for missing := map[string]bool{"event:" + topic: true, "event:calls/*": true}; len(missing) > 0; {
		select {
		case event := <-told:
			delete(missing, event)
		case <-time.After(patience):
			return 0, 0, fmt.Errorf("the owner did not hear %v", missing)
		}
	}
	time.Sleep(50 * time.Millisecond) // what is on its way to the other stream arrives
	return took, int(heard.Load()), nil
}
