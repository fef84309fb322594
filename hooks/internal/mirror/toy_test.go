package mirror

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// carrier is another provider: it numbers its lines, takes forms, and has no room for
// a mark but the name.
type carrier struct {
	lines map[string]map[string]any
	sent  []string // what was asked of it
	fails error    // the answer to the next request that changes something, once that was done
}

type status int

func (s status) Error() string { return fmt.Sprint("status ", int(s)) }

// do notes a request and carries it out.
func (c *carrier) do(request string, keys map[string]any, work func() error) error {
	c.sent = append(c.sent, strings.Join(append([]string{request}, slices.Sorted(maps.Keys(keys))...), " "))
	err := work()
	if err == nil {
		err, c.fails = c.fails, nil
	}
	return err
}

// lineCopy is all there is to say about a line: the mirror knows the rest.
func lineCopy(c *carrier) Copy {
	return Copy{
		Collection: collections.PhoneNumbers, IDField: "vapi_phone_id", Fields: []string{"friendly_name", "phone_number"},
		Provider: Provider{Called: "the carrier", Judge: func(err error) Judgement {
			var s status
			errors.As(err, &s)
			return JudgeStatus(int(s), s == 0 || s >= http.StatusInternalServerError, 0)
		}},
		Desired: func(n *core.Record, mark Mark) (any, error) {
			name := fmt.Sprintf("%s [%s %s]", n.GetString("friendly_name"), mark.Record, mark.Installation)
			return map[string]string{"Number": n.GetString("phone_number"), "Name": name}, nil
		},
		Once: []string{"Number"}, Keep: true,
		Create: func(_ context.Context, n *core.Record, keys map[string]any) (id string, err error) {
			return fmt.Sprint(len(c.lines) + 1), c.do("buy", keys, func() error {
				c.lines[fmt.Sprint(len(c.lines)+1)] = plain(keys)
				n.Set("status", collections.NumberActive)
				return nil
			})
		},
		Update: func(_ context.Context, _ *core.Record, change Change) error {
			return c.do("change", change.Keys, func() error { maps.Copy(c.lines[change.ID], plain(change.Keys)); return nil })
		},
		Delete: func(_ context.Context, id string) error {
			return c.do("release", nil, func() error { delete(c.lines, id); return nil })
		},
		List: func(context.Context, time.Time) iter.Seq2[Object, error] {
			return func(yield func(Object, error) bool) {
				for id, line := range c.lines {
					var mark Mark
					name, ours, _ := strings.Cut(strings.TrimSuffix(line["Name"].(string), "]"), " [")
					mark.Record, mark.Installation, _ = strings.Cut(ours, " ")
					if !yield(Object{ID: id, Name: name, Mark: mark, Price: "1 a month"}, nil) {
						return
					}
				}
			}
		},
	}
}

func TestCopy_at_another_provider_is_kept_by_the_same_rules(t *testing.T) {
	c := &carrier{lines: map[string]map[string]any{}}
	d := &desk{TestApp: testkit.New(t), t: t, at: time.Now()}
	d.outbox = outbox.New(d.TestApp, outbox.WithClock(d.now, longest))
	d.mirror = New(d.TestApp, d.outbox, WithClock(d.now))
	if _, err := d.DB().NewQuery("DELETE FROM phone_numbers").Execute(); err != nil { // the fixtures' are somewhere else
		t.Fatal(err)
	}
	d.mirror.Add(lineCopy(c))
	asked := func(want ...string) {
		t.Helper()
		if !slices.Equal(c.sent, want) {
			t.Errorf("asked %q, want %q", c.sent, want)
		}
		c.sent = nil
	}
	want := func(id, status, copied, words string) *core.Record {
		t.Helper()
		n, err := d.FindRecordById(collections.PhoneNumbers, id)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{n.GetString("sync_status"), n.GetString("vapi_phone_id"), n.GetString("sync_error")}
		if got[0] != status || got[1] != copied || !strings.Contains(got[2], words) || words == "" && got[2] != "" {
			t.Errorf("the row is %q, want %s, %q, %q", got, status, copied, words)
		}
		return n
	}
	n := core.NewRecord(collections.ByName(collections.PhoneNumbers))
	n.Load(map[string]any{
		"organization": testkit.Acme, "provider": "other", "phone_number": "+12025550155", "friendly_name": "Desk",
	})

	// The answer to the purchase is lost: it is found by the mark, and bought once.
	c.fails = status(http.StatusBadGateway)
	if err := d.Save(n); err != nil {
		t.Fatal(err)
	}
	d.deliver()
	want(n.Id, collections.SyncPending, "", "not known yet whether the carrier made it")
	d.later(time.Minute)
	d.deliver()
	n = want(n.Id, collections.SyncSynced, "1", "")
	asked("buy Name Number", "change Name")

	// A refusal is in words, and not repeated.
	c.fails = status(http.StatusUnprocessableEntity)
	n.Set("friendly_name", "Night desk")
	if err := d.Save(n); err != nil {
		t.Fatal(err)
	}
	d.deliver()
	d.later(time.Hour)
	d.deliver()
	n = want(n.Id, collections.SyncFailed, "1", "status 422")
	asked("change Name")

	// Another line with its mark is told, with its price, and left alone.
	c.lines["7"] = map[string]any{"Name": fmt.Sprintf("Lost [%s %s]", n.Id, d.ours())}
	d.sweep()
	strays, err := d.mirror.Strays(t.Context())
	second := Stray{
		Collection: collections.PhoneNumbers, ID: "7", Name: "Lost", Record: n.Id, Organization: testkit.Acme,
		Reason: StraySecond, Price: "1 a month",
	}
	if err != nil || !slices.Equal(strays, []Stray{second}) {
		t.Errorf("told %+v, %v", strays, err)
	}
	asked()

	if err := d.Delete(n); err != nil {
		t.Fatal(err)
	}
	d.deliver()
	asked("release")
	if len(c.lines) != 1 {
		t.Errorf("the carrier has %v", c.lines)
	}
}
