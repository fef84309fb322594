package calls

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/providers/vapi"
)

func packable(t testing.TB) (all []packed) {
	for _, body := range lines(t, "call-inbound.jsonl") {
		m, err := vapi.ParseMessage(body)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, packed{Key: m.EventKey(), Type: m.Type, At: "2026-11-18 15:04:05.210Z", Payload: m.Reduced()})
	}
	// A key that does not follow from its message, and a message with an answer.
	return append(all, packed{Key: "somebody:else", Type: "unread", At: "2026-11-18 15:04:05.210Z",
		Payload: json.RawMessage(`"sealed"`), Answer: `{"results":[]}`})
}

func TestPack_gives_back_every_message_with_its_key(t *testing.T) {
	all := packable(t)
	text, err := squeeze(all)
	if err != nil {
		t.Fatal(err)
	}
	got, err := unpack(text)
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
	all := packable(t)
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
	got, err := unpack(b.String())
	if err != nil || !reflect.DeepEqual(got, all) {
		t.Errorf("got %d messages, %v", len(got), err)
	}
}

func TestPack_refuses_what_is_not_a_packed_row(t *testing.T) {
	for _, text := range []string{"", "1:", "1:!!", "no base64 at all", packMark + "AAAA"} {
		if got, err := unpack(text); err == nil {
			t.Errorf("%q gave %d messages", text, len(got))
		}
	}
}
