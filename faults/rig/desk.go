package rig

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Desk is a running server.
type Desk struct {
	Dir     string // its data
	Base    string // http://127.0.0.1:…
	Sandbox string // where the stand-ins listen; "" without
	Said    *Transcript
	Ended   chan struct{}
	Err     error // how it ended, once Ended is closed

	Operated bool // there is an operator's account

	t   T
	cmd *exec.Cmd
}

// Transcript is what a process printed, safe to read while it prints.
type Transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write adds to it.
func (s *Transcript) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

// String is all of it.
func (s *Transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// Demo are the arguments of a server with the sandbox and its demonstration,
// whose callers talk without waiting.
const Demo = "serve --sandbox --demo --sandbox-speed 0"

// Start runs the server until its banner is complete, the demonstration's
// sign-in included. address "" takes a free port.
func Start(t T, dir, address, line string, env ...string) *Desk {
	t.Helper()
	return StartAs(t, "", dir, address, line, env...)
}

// StartAs runs the program that lies at path; "" is the built one.
func StartAs(t T, path, dir, address, line string, env ...string) *Desk {
	t.Helper()
	if address == "" {
		address = "127.0.0.1:0"
	}
	d := &Desk{t: t, Dir: dir, Said: new(Transcript), Ended: make(chan struct{})}
	d.cmd = Command(t, dir, line+" --http "+address, append([]string{"POCKETLINE_LOG_LEVEL=warn"}, env...)...)
	if path != "" {
		d.cmd.Path, d.cmd.Args[0] = path, path
	}
	d.cmd.Stderr = d.Said
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Kill)
	ready := make(chan struct{})
	go func() {
		lines := bufio.NewScanner(out)
		for open := true; lines.Scan(); {
			fmt.Fprintln(d.Said, lines.Text())
			switch words := strings.Fields(lines.Text()); {
			case !open:
			case len(words) == 0 && d.Base != "": // the banner is complete
				open = false
				close(ready)
			case len(words) > 1 && words[0] == "dashboard":
				d.Base = words[1]
			case len(words) > 1 && words[0] == "SANDBOX":
				d.Sandbox = words[1]
			}
		}
		d.Err = d.cmd.Wait()
		close(d.Ended)
	}()
	select {
	case <-ready:
	case <-d.Ended:
		t.Fatalf("the server ended while it started: %v\n%s", d.Err, d.Said)
	case <-time.After(Patience):
		t.Fatalf("the server did not start:\n%s", d.Said)
	}
	return d
}

// Address is host:port, to start again at the same place.
func (d *Desk) Address() string { return strings.TrimPrefix(d.Base, "http://") }

// Kill ends the process the hard way, as a power cut or the kernel would.
func (d *Desk) Kill() {
	select {
	case <-d.Ended:
		return
	default:
	}
	if err := d.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		d.t.Error(err)
	}
	<-d.Ended
}

// Stop asks the process to end and wants it to do so by itself, well.
func (d *Desk) Stop() {
	d.t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		d.t.Fatalf("SIGTERM: %v\n%s", err, d.Said)
	}
	select {
	case <-d.Ended:
	case <-time.After(Patience):
		d.t.Fatalf("the server did not stop:\n%s", d.Said)
	}
	if d.Err != nil {
		d.t.Fatalf("the server ended with %v, want exit code 0\n%s", d.Err, d.Said)
	}
}

// Run runs another command on the same data and returns what it said and
// whether it succeeded.
func (d *Desk) Run(line string) (said string, ok bool) {
	d.t.Helper()
	out, err := Command(d.t, d.Dir, line).CombinedOutput()
	return string(out), err == nil
}

// PID is the process's number.
func (d *Desk) PID() int { return d.cmd.Process.Pid }

// Signal sends the process a signal.
func (d *Desk) Signal(signal os.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(signal); err != nil {
		d.t.Fatalf("%v: %v\n%s", signal, err, d.Said)
	}
}

// Health is what a server says of itself.
type Health struct {
	Status string
	Checks map[string]struct{ Status, Message string }
}

// Health asks the server how it is, and returns the status of the answer too.
func (d *Desk) Health() (h Health, status int) {
	d.t.Helper()
	p := &Person{T: d.t, Base: d.Base}
	status, _, body, err := p.Send("GET", "/api/health", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := json.Unmarshal(body, &h); err != nil {
		d.t.Fatalf("%v in %s", err, body)
	}
	return h, status
}
