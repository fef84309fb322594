package vapicopy

import (
	"encoding/json"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/mirror"
)

func TestMarkOf_reads_metadata_and_headers(t *testing.T) {
	want := mirror.Mark{Record: "r", Organization: "o", Installation: "i"}
	headers, err := json.Marshal(map[string]any{"server": map[string]any{"headers": Headers(want)}})
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := json.Marshal(map[string]any{"metadata": Metadata(want)})
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range [][]byte{headers, metadata} {
		if got := MarkOf(raw); got != want {
			t.Errorf("%s: %+v", raw, got)
		}
	}
}

func TestMarkOf_knows_no_mark_but_ours(t *testing.T) {
	for raw, want := range map[string]bool{
		`{"metadata":{"recordId":"rec1"}}`:                          true,
		`{"server":{"headers":{"x-pocketline-record":"rec1"}}}`:     true,
		`{"metadata":{"recordId":"rec2"}}`:                          false,
		`{"server":{"headers":{"X-Other":"rec1"}}}`:                 false,
		`{"metadata":{"recordId":5},"server":{"headers":["rec1"]}}`: false,
		`nonsense`: false,
	} {
		if got := MarkOf([]byte(raw)).Record == "rec1"; got != want {
			t.Errorf("%s: got %v", raw, got)
		}
	}
}
