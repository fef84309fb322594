package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/faults/rig"
	"github.com/pocketline/pocketline/providers/vapi"
)

// mounted mounts a small file system of its own and returns where. It skips the
// fault where that is not allowed.
func mounted(t *trial, args ...string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", append(args, dir)...).CombinedOutput(); err != nil {
		t.Skip(fmt.Sprintf("a small file system cannot be mounted here: %v: %s", err, strings.TrimSpace(string(out))))
	}
	t.Cleanup(func() { unmount(t, dir) })
	return dir
}

// unmount takes a file system away; one that is gone already is well.
func unmount(t *trial, dir string) {
	t.Helper()
	if exec.Command("mountpoint", "-q", dir).Run() != nil {
		return
	}
	if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
		t.Errorf("umount: %v: %s", err, out)
	}
}

// powerCut takes the power away in the middle of a storm (F2): what the disk has at
// that moment is copied as it is, nothing is flushed, and the copy is the disk with
// which the server starts again.
func powerCut(t *trial) {
	disk := filepath.Join(t.TempDir(), "disk")
	file, err := os.Create(disk)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Truncate(128 << 20); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", disk).CombinedOutput(); err != nil {
		t.Skip(fmt.Sprintf("there is no mkfs.ext4: %v: %s", err, out))
	}
	at := mounted(t, "-o", "loop", disk)
	d := rig.Start(t, filepath.Join(at, "data"), "", rig.Demo, rig.Secret)
	t.Cleanup(func() { d.Kill() }) // before the disk goes
	s := rig.NewStorm(d, d.Owner(t))
	end := s.Blow(t, 2, senders)
	rounds := t.rounds(10, 2)
	for round := range rounds {
		enough := s.Count() + 100
		rig.Until(t, "more messages", func() bool { return s.Count() >= enough })
		d.Signal(syscall.SIGSTOP)
		acked := s.Acked()
		next := filepath.Join(filepath.Dir(disk), fmt.Sprint("disk", round))
		copyFile(t, disk, next)
		d.Kill()
		unmount(t, at)
		if err := os.Remove(disk); err != nil {
			t.Fatal(err)
		}
		disk, at = next, mounted(t, "-o", "loop", next)
		began := time.Now()
		d = rig.Start(t, filepath.Join(at, "data"), d.Address(), rig.Demo, rig.Secret)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the start after the cut took %s", took)
		} else {
			t.wellAfter(took)
		}
		if lost := rig.Lost(t, d.Dir, acked); len(lost) > 0 {
			t.keeps(d.Dir, acked)
		}
	}
	end()
	operator := d.Operator(t)
	applied(t, operator)
	t.keeps(d.Dir, s.Acked())
	same(t, operator, s.Calls())
	d.Stop()
	rig.Sound(t, d.Dir)
	t.note("%d cuts", rounds)
}

// copyFile copies what a file holds, holes left out.
func copyFile(t *trial, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "--sparse=always", from, to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
}

// fill takes every byte that is left, and returns what gives them back.
func fill(t *trial, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "somebody-else")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; size /= 2 { // ever smaller pieces, to the last byte
		block := make([]byte, size)
		for {
			if _, err := file.Write(block); err != nil {
				break
			}
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// diskFull fills the disk in a storm, before an upload, a backup and the first start
// of a new version (F3).
func diskFull(t *trial) {
	disk := mounted(t, "-t", "tmpfs", "-o", "size=128m", "tmpfs")
	dir := filepath.Join(disk, "data")
	d := rig.Start(t, dir, "", rig.Demo, rig.Secret)
	t.Cleanup(func() { d.Kill() })
	owner, operator := d.Owner(t), d.Operator(t)
	s := rig.NewStorm(d, owner)
	end := s.Blow(t, 3, senders)
	rig.Until(t, "messages", func() bool { return s.Count() > 100 })

	free := fill(t, disk)
	ready := func() int {
		status, _, _, err := operator.Send("GET", "/readyz", nil)
		if err != nil {
			return 0
		}
		return status
	}
	said := rig.UntilWithin(t, 10*time.Second, "/readyz to say that the server is not ready", func() bool {
		return ready() == http.StatusServiceUnavailable
	})
	if h, status := d.Health(); status != http.StatusServiceUnavailable || !strings.Contains(fmt.Sprint(h), "disk") {
		t.Errorf("health does not speak of the disk: %d %+v", status, h)
	}
	organization := rig.Practice(owner)["id"].(string)
	edit := func() int {
		status, _, _, err := owner.Send("PATCH", "/api/collections/organizations/records/"+organization, rig.Row{
			"name": strings.Repeat("M", 100),
		})
		if err != nil {
			t.Fatal(err)
		}
		return status
	}
	if status := edit(); status != http.StatusInsufficientStorage {
		t.Errorf("an edit on a full disk: %d, want 507", status)
	}
	rig.Until(t, "messages to be refused", func() bool {
		return s.Post(t.Context(), s.Make("eeeeeeee-0000-7000-8000-000000000001")[1]) >= 500
	})
	// Somebody waits on the phone for what a function says: it is answered, and kept.
	for _, body := range s.Make("eeeeeeee-0000-7000-8000-000000000002") {
		if m, err := vapi.ParseMessage([]byte(body)); err != nil || m.Type != vapi.TypeToolCalls {
			continue
		}
		if err := s.Deliver(t.Context(), body); err != nil {
			t.Fatal(err)
		}
	}
	if status := upload(t, owner, organization); status < 500 {
		t.Errorf("an upload on a full disk: %d, want 5xx", status)
	}
	if said, ok := d.Run("backup"); ok {
		t.Errorf("a backup was made on a full disk: %s", said)
	}
	if n := len(owner.Rows(collections.Calls, "", "")); n == 0 {
		t.Error("no call can be read on a full disk")
	}

	free()
	began := time.Now()
	enough := s.Count() + 50
	rig.Until(t, "messages to be taken again", func() bool { return s.Count() > enough && ready() == http.StatusOK })
	t.wellAfter(time.Since(began))
	if status := edit(); status != http.StatusOK {
		t.Errorf("an edit once there is room: %d", status)
	}
	if status := upload(t, owner, organization); status != http.StatusOK {
		t.Errorf("an upload once there is room: %d", status)
	}
	end()
	applied(t, operator)
	same(t, operator, s.Calls())
	d.Stop()

	// A first start of a new version has no room for its copy, and changes nothing.
	db := rig.Open(t, filepath.Join(dir, "data.db"))
	if _, err := db.Exec("DELETE FROM _migrations WHERE file = (SELECT max(file) FROM _migrations)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	free = fill(t, disk)
	out, err := rig.Command(t, dir, "serve --sandbox --http 127.0.0.1:0").CombinedOutput()
	if err == nil || strings.Count(strings.TrimSpace(string(out)), "\n") > 0 {
		t.Errorf("an update on a full disk: %v\n%s", err, out)
	}
	free()
	d = rig.Start(t, dir, d.Address(), rig.Demo, rig.Secret)
	t.keeps(d.Dir, s.Acked())
	d.Stop()
	rig.Sound(t, dir)
	t.note("/readyz says it after %.1f s", said.Seconds())
}

// upload sends a logo and returns the status.
func upload(t *trial, owner *rig.Person, organization string) int {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, 400, 400))
	random := rand.New(rand.NewPCG(1, 2))
	for at := range picture.Pix {
		picture.Pix[at] = byte(random.Uint32())
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("logo", "logo.png")
	if err = errors.Join(err, png.Encode(part, picture), form.Close()); err != nil {
		t.Fatal(err)
	}
	path := owner.Base + "/api/collections/organizations/records/" + organization
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, path, &body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Authorization", owner.Token)
	res, err := rig.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode
}
