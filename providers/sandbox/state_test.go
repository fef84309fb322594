package sandbox

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

func TestStateFile_keeps_the_memory_over_a_restart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	first, err := Start(Config{StateFile: file})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Server: first, t: t}
	a := b.must("POST", "/assistant", object{"name": "Kept"})
	number := b.must("POST", "/phone-number", object{"provider": "vapi", "assistantId": a["id"]})
	id := b.ringing(object{"script": "price", "phoneNumberId": number["id"]})
	// A second sandbox reads what was on disk before the first one closed, as after a kill.
	second, err := Start(Config{StateFile: file})
	if err != nil {
		t.Fatal(err)
	}
	c := &bench{Server: second, t: t}
	if row := c.must("GET", "/assistant/"+str(a, "id"), nil); str(row, "name") != "Kept" {
		t.Errorf("read %v", row)
	}
	if row := c.must("GET", "/call/"+id, nil); str(row, "endedReason") != "customer-ended-call" {
		t.Errorf("call is %v", row["endedReason"])
	}
	if status, wav := c.fetchSigned("/call/" + id + "/mono-recording"); status != 200 || len(wav) < 1000 {
		t.Errorf("recording: %d, %d bytes", status, len(wav))
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("state file: %v %v", info, err)
	}
	for _, s := range []*Server{first, second} {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile(file, []byte("{broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Start(Config{StateFile: file}); err == nil {
		t.Errorf("a broken state file was taken: %s", s.URL())
	}
}
