package main

import (
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/faults/rig"
)

// filesLost cuts an upload, removes a recording's file, and takes the object storage
// away while recordings are fetched (F27).
func filesLost(t *trial) {
	d := rig.Start(t, t.TempDir(), "", rig.Demo)
	owner, operator := d.Owner(t), d.Operator(t)
	rig.Synced(owner)
	organization := rig.Practice(owner)["id"].(string)
	number := rig.LineIn(owner, "en")

	// An upload that is cut leaves neither a file nor a row that names one.
	before := stored(t, d.Dir)
	c, err := net.Dial("tcp", d.Address())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "PATCH /api/collections/organizations/records/%s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n"+
		"Content-Type: multipart/form-data; boundary=cut\r\nContent-Length: 500000\r\n\r\n--cut\r\n"+
		"Content-Disposition: form-data; name=\"logo\"; filename=\"logo.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n%s",
		organization, owner.Token, strings.Repeat("x", 100_000))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if status := upload(t, owner, organization); status != http.StatusOK {
		t.Errorf("an upload after the cut one: %d", status)
	}
	if logo := rig.Practice(owner)["logo"]; logo == "" || stored(t, d.Dir) <= before {
		t.Errorf("the logo is %v, of %d files", logo, stored(t, d.Dir))
	}
	one := stored(t, d.Dir)

	// A file that is gone is said, and breaks nothing else.
	ready := func(id string) bool {
		return len(owner.Rows(collections.Recordings, "call.vapi_call_id = '"+id+"' && status = 'ready'", "")) == 1
	}
	first := rig.Simulate(owner, number, "price", "en")
	call := rig.Reported(owner, first)
	rig.Until(t, "the recording", func() bool { return ready(first) })
	path := "/api/calls/" + call["id"].(string) + "/recording"
	owner.Ask("GET", path, nil, http.StatusOK, nil)
	err = filepath.WalkDir(filepath.Join(d.Dir, "storage"), func(file string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(file, ".wav") {
			return os.Remove(file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, _, body, err := owner.Send("GET", path, nil); err != nil || status != http.StatusNotFound {
		t.Errorf("a recording whose file is gone: %d %v %.200s", status, err, body)
	}

	// Without its object storage the server goes on, and fetches what it could not keep
	// once there is a place for it again.
	operator.Ask("PATCH", "/api/settings", rig.Row{"s3": rig.Row{
		"enabled": true, "bucket": "desk", "region": "none", "endpoint": "http://" + rig.FreeAddress(t), "accessKey": "a",
		"secret": "b", "forcePathStyle": true,
	}}, http.StatusOK, nil)
	second := rig.Simulate(owner, number, "price", "en")
	rig.Reported(owner, second)
	if status := upload(t, owner, organization); status < 400 {
		t.Errorf("an upload without a storage: %d", status)
	}
	rig.Until(t, "the recording to be tried", func() bool {
		rows := operator.Rows(collections.Outbox, "kind ~ 'recording' && status != 'done'", "")
		return len(rows) > 0 && rows[0]["attempts"].(float64) > 0
	})
	if ready(second) {
		t.Error("a recording is ready that lies nowhere")
	}
	operator.Ask("PATCH", "/api/settings", rig.Row{"s3": rig.Row{"enabled": false}}, http.StatusOK, nil)
	rig.Until(t, "the recording to be fetched", func() bool {
		for _, r := range operator.Rows(collections.Outbox, "kind ~ 'recording' && status = 'pending'", "") {
			operator.Ask("PATCH", "/api/collections/outbox/records/"+r["id"].(string), rig.Row{
				"next_at": r["created"],
			}, http.StatusOK, nil)
		}
		operator.Ask("POST", "/api/crons/outbox.deliver", nil, http.StatusNoContent, nil)
		return ready(second)
	})
	d.Stop()
	rig.Sound(t, d.Dir)
	t.note("a cut upload leaves no file (%d before, %d with the whole one), a lost one is a 404, a recording comes once there is a place",
		before, one)
}

// stored is how many files people and calls brought.
func stored(t *trial, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "storage"), func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.HasSuffix(entry.Name(), ".attrs") {
			n++
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return n
}
