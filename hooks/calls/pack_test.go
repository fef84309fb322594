package calls

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers/vapi"
)

func samplesPacked(t testing.TB) (all []inbox.Packed) {
	for _, body := range callskit.Lines(t, "call-inbound.jsonl") {
		m, err := vapi.ParseMessage(body)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, inbox.Packed{Key: m.EventKey(), Type: m.Type, At: "2026-11-18 15:04:05.210Z", Payload: m.Reduced()})
	}
	// A key that does not follow from its message.
	return append(all, inbox.Packed{Key: "somebody:else", Type: "unread", At: "2026-11-18 15:04:05.210Z",
		Payload: json.RawMessage(`"sealed"`)})
}

func TestPack_gives_back_every_message_with_its_key(t *testing.T) {
	all := samplesPacked(t)
	text, err := packing.Pack(all)
	if err != nil {
		t.Fatal(err)
	}
	got, err := packing.Unpack(text)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, all) {
		t.Errorf("got %d messages back that differ from the %d packed", len(got), len(all))
	}
	if all[0].Key == "" {
		t.Error("packing took the key from the caller's message")
	}
	if strings.Contains(text, all[0].Key) {
		t.Error("the row is not compressed")
	}
}

func TestPack_reads_rows_from_before_the_dictionary(t *testing.T) {
	all := samplesPacked(t)
	var b bytes.Buffer
	encoder := base64.NewEncoder(base64.RawStdEncoding, &b)
	w, err := flate.NewWriter(encoder, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(w).Encode(all); err != nil {
		t.Fatal(err)
	}
	w.Close()
	encoder.Close()
	got, err := packing.Unpack(b.String())
	if err != nil || !reflect.DeepEqual(got, all) {
		t.Errorf("got %d messages, %v", len(got), err)
	}
}

func TestPack_refuses_what_is_not_a_packed_row(t *testing.T) {
	for _, text := range []string{"", "1:", "1:!!", "no base64 at all", "1:AAAA"} {
		if got, err := packing.Unpack(text); err == nil {
			t.Errorf("%q gave %d messages", text, len(got))
		}
	}
}

// finish stores the messages of n finished calls as rows; the date is that of the
// clock when they came.
func (d *desk) finish(n int, created time.Time) {
	d.T.Helper()
	var all []inbox.Packed
	for _, one := range samplesPacked(d.T) {
		if one.Type != "unread" {
			all = append(all, one)
		}
	}
	err := d.RunInTransaction(func(tx core.App) error {
		for i := range n {
			call := fmt.Sprintf("0196b1f4-7c3a-7e21-9d58-%012d", i)
			for k, one := range all {
				_, err := tx.DB().NewQuery(`INSERT INTO provider_events (id, organization, provider, event_key, type, status,
					payload, last,
					error, attempts, next_at, created, updated) VALUES ({:id}, {:o}, 'vapi', {:key}, {:type}, 'applied', {:payload},
					{:last}, '', 0, '',
					{:at}, {:at})`).Bind(dbx.Params{"id": fmt.Sprintf("%09dpk%04d", i, k), "o": testkit.Acme, "at": inDate(created),
					"key": strings.ReplaceAll(one.Key, callskit.SampleCall, call), "type": one.Type,
					"last":    one.Type == "end-of-call-report",
					"payload": strings.ReplaceAll(string(one.Payload), callskit.SampleCall, call)}).Execute()
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		d.T.Fatal(err)
	}
}

func (d *desk) pack() error { return d.Schedule.RunNow(context.Background(), "inbox.pack") }

func TestPack_leaves_nothing_for_the_next_run_whatever_the_clock_said(t *testing.T) {
	d := newDesk(t, nil)
	d.finish(1, time.Now().Add(-time.Hour))
	if err := d.pack(); err != nil {
		t.Fatal(err)
	}
	const n = 526                              // more than are looked up at once, and than are written at once
	d.finish(n, time.Now().Add(-49*time.Hour)) // while the clock was two days behind
	if err := d.pack(); err != nil {
		t.Fatal(err)
	}
	if got, want := d.Rows(`SELECT count(*), sum(type = 'packed') FROM provider_events
		WHERE event_key LIKE '0196b1f4-%'`), fmt.Sprintf("%d | %[1]d\n", n); got != want {
		t.Errorf("got %q (rows, packed ones), want %q", got, want)
	}
}

func TestPack_goes_on_behind_a_call_that_cannot_be_packed(t *testing.T) {
	d := newDesk(t, nil)
	d.finish(3, time.Now().Add(-time.Hour))
	d.Rows(`UPDATE provider_events SET type = 'packed', status = 'packed', payload = 'no base64 at all'
		WHERE id = '000000000pk0001' RETURNING 1`)
	if err := d.pack(); err == nil {
		t.Error("the run says nothing of the call that is not packed")
	}
	want := "0196b1f4-7c3a-7e21-9d58-000000000001:packed\n0196b1f4-7c3a-7e21-9d58-000000000002:packed\n"
	if got := d.Rows(`SELECT event_key FROM provider_events WHERE event_key LIKE '%:packed' ORDER BY 1`); got != want {
		t.Errorf("packed are %q", got)
	}
}

// BenchmarkPack packs finished calls; an operation is one call.
func BenchmarkPack(b *testing.B) {
	d := newDesk(b, nil)
	d.finish(b.N, time.Now().Add(-time.Hour))
	b.ResetTimer()
	if err := d.pack(); err != nil {
		b.Fatal(err)
	}
}
