package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// reading is one list in two dialects.
type reading struct {
	measure        string
	product, floor []string // paths, taken in turn so that none is a repeat
	target         target
	ratio          string // what the ratio is: "rate" or "time"
}

func (b *bench) alone(s *server, token string, paths []string) outcome {
	return load{server: s, addr: s.addr, senders: 1, length: b.length / 2,
		player: func(int) player { return &turns{reqs: requests(s, token, paths)} }}.run()
}

func (b *bench) crowd(s *server, token string, paths []string) outcome {
	return load{server: s, addr: s.addr, senders: 16, length: b.length / 2,
		player: func(i int) player { return &turns{reqs: requests(s, token, paths), at: i} }}.run()
}

func requests(s *server, token string, paths []string) (reqs [][]byte) {
	for _, p := range paths {
		reqs = append(reqs, request("GET", s.addr, p, token, nil))
	}
	return reqs
}

func (b *bench) reads(d *desk, product, floor *server) error {
	at := sizeName(d.calls)
	group := "The calls page, " + at
	page := "/api/organizations/" + d.organization + "/calls"
	records := "/api/collections/calls/records?perPage=30&skipTotal=1"
	literal := func(more string) string {
		return records + "&filter=" + url.QueryEscape("organization='"+d.organization+"'"+more)
	}
	day := func(ago int) string { return time.Now().AddDate(0, 0, -ago).UTC().Format(time.DateOnly) }
	var first, filtered, floorFirst, floorFiltered []string
	for i := range 20 {
		first = append(first, page+"?limit=30&to="+day(i-1))
		floorFirst = append(floorFirst, literal(" && started_at < '"+day(i-1)+" 00:00:00.000Z'")+"&sort=-started_at")
		filtered = append(filtered, page+"?limit=30&status=completed&outcome=completed&to="+day(i-1))
		floorFiltered = append(floorFiltered,
			literal(" && status='completed' && outcome='completed' && started_at < '"+day(i-1)+" 00:00:00.000Z'")+
				"&sort=-started_at")
	}
	big := d.calls >= 100_000
	want := func(t target) target {
		if big {
			return t
		}
		return target{}
	}
	for _, r := range []reading{
		{"newest 30 of a span", first, floorFirst, want(atLeast(4)), "rate"},
		{"filtered by status and outcome", filtered, floorFiltered, want(atLeast(4)), "rate"},
		{"sorted by cost", []string{page + "?limit=30&sort=-cost_micros"}, []string{literal("") + "&sort=-cost_micros"},
			want(atLeast(4)), "rate"},
		{"PocketBase's own REST list, no filter, against literal filter", []string{records + "&sort=-started_at"},
			[]string{literal("") + "&sort=-started_at"}, want(atMost(1.5)), "time"},
	} {
		var ratios, fast, slow, rateFast, rateSlow, cpuFast, cpuSlow []float64
		for range b.rounds {
			f, s := b.alone(product, d.token, r.product), b.alone(floor, d.token, r.floor)
			fc, sc := b.crowd(product, d.token, r.product), b.crowd(floor, d.token, r.floor)
			for _, o := range []outcome{f, s, fc, sc} {
				if x := o.problems(); x != "" {
					b.say("%s: %s", r.measure, x)
				}
			}
			fast, slow = append(fast, millis(f.p(0.5))), append(slow, millis(s.p(0.5)))
			rateFast, rateSlow = append(rateFast, fc.rate), append(rateSlow, sc.rate)
			cpuFast, cpuSlow = append(cpuFast, micros(fc.cpu)), append(cpuSlow, micros(sc.cpu))
			if r.ratio == "rate" {
				ratios = append(ratios, fc.rate/sc.rate)
			} else {
				ratios = append(ratios, millis(f.p(0.5))/millis(s.p(0.5)))
			}
		}
		b.row(row{Group: group, Measure: r.measure,
			Product: fmt.Sprintf("%s, %s, %s", ms(median(fast)), perSecond(median(rateFast)), us(median(cpuFast))),
			Floor:   fmt.Sprintf("%s, %s, %s", ms(median(slow)), perSecond(median(rateSlow)), us(median(cpuSlow))),
			Against: "its filtered list", Ratio: median(ratios), Target: r.target})
	}
	if err := b.depth(d, product, floor, group, page, literal("")); err != nil {
		return err
	}
	return b.searches(d, product, floor, at, page)
}

// depth compares the first page with one behind two thirds of all calls.
func (b *bench) depth(d *desk, product, floor *server, group, page, list string) error {
	var p struct{ Next string }
	if err := call(product, "GET", page+"?limit=30&to="+time.Now().AddDate(0, -8, 0).UTC().Format(time.DateOnly),
		d.token, nil, &p); err != nil {
		return err
	}
	if p.Next == "" {
		return fmt.Errorf("no page eight months back")
	}
	var ratios, deep, one []float64
	for range b.rounds + 2 {
		f, s := b.alone(product, d.token, []string{page + "?limit=30"}),
			b.alone(product, d.token, []string{page + "?limit=30&after=" + p.Next})
		one, deep = append(one, millis(f.p(0.5))), append(deep, millis(s.p(0.5)))
		ratios = append(ratios, millis(s.p(0.5))/millis(f.p(0.5)))
	}
	r := row{Group: group, Measure: "eight months deep, against our first page", Product: ms(median(deep)),
		Floor: ms(median(one)), Against: "our page one", Ratio: median(ratios)}
	if d.calls >= 100_000 {
		r.Target = atMost(1.3)
	}
	b.row(r)
	begin := time.Now() // once: at a million calls it takes a while
	if err := call(floor, "GET", list+"&sort=-started_at&page="+fmt.Sprint(max(d.calls*2/3/30, 1)), d.token,
		nil, nil); err != nil {
		return err
	}
	b.row(row{Group: group, Measure: "the same place by page number", Floor: ms(millis(time.Since(begin))),
		Against: "its filtered list"})
	return nil
}

func (b *bench) searches(d *desk, product, floor *server, at, page string) error {
	group := "Search over transcripts, " + at
	like := func(text string) string {
		return "/api/collections/call_reports/records?perPage=30&skipTotal=1&sort=-position&filter=" +
			url.QueryEscape("organization='"+d.organization+"' && (summary ~ '"+text+"' || transcript ~ '"+text+"')")
	}
	for _, s := range []struct {
		measure, typed, text string
		limit                float64
	}{
		// The last word is a beginning unless it is quoted: people are still typing.
		{"a rare word", rareWord, rareWord, 1},
		{"a common word", commonWord, commonWord, 1},
		{"a rare word, quoted", `"` + rareWord + `"`, rareWord, 1},
		{"a common word, quoted", `"` + commonWord + `"`, commonWord, 1},
		{"a phrase", phrase, "booked for nine thirty", 2},
		{"two words", `whitening "latex"`, "latex", 2},
		{"a word nobody said", "zebrafish", "zebrafish", 0},
	} {
		path := page + "?limit=30&search=" + url.QueryEscape(s.typed)
		var found struct{ Items []json.RawMessage }
		if err := call(product, "GET", path, d.token, nil, &found); err != nil {
			return err
		}
		if s.limit > 0 && len(found.Items) == 0 {
			return fmt.Errorf("search for %s found nothing", s.typed)
		}
		var p50s, cpus []float64
		for range b.rounds {
			o := b.alone(product, d.token, []string{path})
			p50s, cpus = append(p50s, millis(o.p(0.5))), append(cpus, micros(o.cpu))
		}
		// One question is enough: it can take seconds.
		var slow []time.Duration
		for range 3 {
			begin := time.Now()
			if err := call(floor, "GET", like(s.text), d.token, nil, nil); err != nil {
				b.say("LIKE: %v", err)
			}
			slow = append(slow, time.Since(begin))
		}
		slices.Sort(slow)
		r := row{Group: group, Measure: fmt.Sprintf("%s (%d shown)", s.measure, len(found.Items)),
			Product: ms(median(p50s)) + ", " + us(median(cpus)), Floor: ms(millis(slow[1])),
			Against: "LIKE in its list", Ratio: median(p50s) / millis(slow[1])}
		if s.limit > 0 && d.calls >= 1_000_000 {
			r.Target, r.Passed = must(fmt.Sprintf("≤ %g ms", s.limit)), median(p50s) <= s.limit
		}
		b.row(r)
	}
	return nil
}
