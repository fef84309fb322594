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
		{"refused", 400, false, 0, Judgement{Verdict: Refused, Undone: true}},
		{"refused as unprocessable", 422, false, 0, Judgement{Verdict: Refused, Undone: true}},
		{"a refusal whose end was lost", 400, true, 0, Judgement{}},
		{"missing", 404, false, 0, Judgement{Verdict: Missing, Undone: true}},
		{"asked to wait", 429, false, time.Minute, Judgement{After: time.Minute, Undone: true}},
		{"wrong key", 401, false, 0, Judgement{Undone: true}},
		{"conflict", 409, false, 0, Judgement{Undone: true}},
		{"broken", 500, true, 0, Judgement{}},
		{"never sent", 0, false, 0, Judgement{Undone: true}},
		{"no answer", 0, true, 0, Judgement{}},
		{"given up over there", 408, false, 0, Judgement{}},
	} {
		if got := JudgeStatus(c.status, c.unclear, c.after); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}
