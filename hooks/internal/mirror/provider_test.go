package mirror

import (
	"testing"
	"time"
)

func TestJudgeStatus(t *testing.T) {
	for _, c := range []struct {
		name    string
		status  int
		unclear bool
		after   time.Duration
		want    Judgement
	}{
		{"refused", 400, false, 0, Judgement{Verdict: Refused}},
		{"refused as unprocessable", 422, false, 0, Judgement{Verdict: Refused}},
		{"a refusal whose end was lost", 400, true, 0, Judgement{}},
		{"missing", 404, false, 0, Judgement{Verdict: Missing}},
		{"asked to wait", 429, false, time.Minute, Judgement{After: time.Minute}},
		{"wrong key", 401, false, 0, Judgement{}},
		{"conflict", 409, false, 0, Judgement{}},
		{"broken", 500, true, 0, Judgement{}},
		{"no answer", 0, false, 0, Judgement{}},
	} {
		if got := JudgeStatus(c.status, c.unclear, c.after); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestMarked_reads_metadata_and_headers(t *testing.T) {
	for raw, want := range map[string]bool{
		`{"metadata":{"recordId":"rec1"}}`:                          true,
		`{"server":{"headers":{"x-pocketline-record":"rec1"}}}`:     true,
		`{"metadata":{"recordId":"rec2"}}`:                          false,
		`{"server":{"headers":{"X-Other":"rec1"}}}`:                 false,
		`{"metadata":{"recordId":5},"server":{"headers":["rec1"]}}`: false,
		`nonsense`: false,
	} {
		if got := Marked([]byte(raw), "rec1"); got != want {
			t.Errorf("%s: got %v", raw, got)
		}
	}
	if Marked([]byte(`{"metadata":{"recordId":""}}`), "") {
		t.Error("an object without a mark is the copy of a record without an id")
	}
}
