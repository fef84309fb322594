package inbox

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestForget_and_Sweep_take_what_is_meant_and_leave_marks(t *testing.T) {
	app, i := open(t)
	for key, change := range map[string]func(*Message){
		"named":    func(m *Message) { m.Payload = []byte(`{"who":"her"}`) },
		"other":    func(*Message) {},
		"mark":     func(m *Message) { m.Type, m.Payload = "deleted", []byte(`{"who":"her"}`) },
		"nobody's": func(m *Message) { m.Organization, m.Payload = "", []byte(`{"who":"her"}`) },
		"theirs":   func(m *Message) { m.Organization, m.Payload = testkit.Bolt, []byte(`{"who":"her"}`) },
	} {
		m := message(key)
		change(&m)
		if _, err := i.Store(t.Context(), m, effectless); err != nil {
			t.Fatal(err)
		}
	}
	left := func(keys ...string) {
		t.Helper()
		for _, key := range []string{"named", "other", "mark", "nobody's", "theirs"} {
			want := 0
			if strings.Contains(" "+strings.Join(keys, " ")+" ", " "+key+" ") {
				want = 1
			}
			if n := count(t, app, "SELECT count(*) FROM provider_events WHERE event_key = {:p0}", key); n != want {
				t.Errorf("of %s there are %d, want %d", key, n, want)
			}
		}
	}
	about := func(payload string) bool { return strings.Contains(payload, "her") }
	if n, err := Forget(context.Background(), app, testkit.Acme, testkit.Start.Add(-time.Hour), about); err != nil ||
		n != 0 {
		t.Errorf("forgot %d (%v) that came later", n, err)
	}
	n, err := Forget(context.Background(), app, testkit.Acme, testkit.Start, about)
	if err != nil || n != 1 {
		t.Errorf("forgot %d (%v), want the organization's own counted", n, err)
	}
	left("other", "mark", "theirs")
	if n, err := Sweep(context.Background(), app, testkit.Acme, testkit.Start.Add(time.Hour)); err != nil || n != 1 {
		t.Errorf("swept %d (%v)", n, err)
	}
	left("mark", "theirs")
}
