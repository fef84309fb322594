package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
)

// patience is how long something may take before a test gives up. It measures
// nothing: it is far longer than anything takes.
const patience = time.Minute

// binary builds the program once for all tests; TestMain removes it.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "pocketline-test")
	if err != nil {
		return "", err
	}
	binaryDir = dir
	path := filepath.Join(dir, "pocketline")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

var binaryDir string

func TestMain(m *testing.M) {
	code := m.Run()
	if binaryDir != "" {
		os.RemoveAll(binaryDir)
	}
	os.Exit(code)
}

// ownEnvironment is this process's environment without anything the program
// would read, and with what is given.
func ownEnvironment(more ...string) []string {
	kept := slices.DeleteFunc(os.Environ(), func(pair string) bool {
		return strings.HasPrefix(pair, "POCKETLINE_") || strings.HasPrefix(pair, "VAPI_")
	})
	return append(kept, more...)
}

// command is the built program on a data directory.
func command(t *testing.T, dir, line string, env ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, append(strings.Fields(line), "--dir", dir)...)
	c.Dir = filepath.Dir(path)
	c.Env = ownEnvironment(env...)
	return c
}

// desk is a running server.
type desk struct {
	t       *testing.T
	cmd     *exec.Cmd
	dir     string
	base    string // http://127.0.0.1:…
	sandbox string // where the stand-ins listen; "" without
	said    *transcript
	ended   chan struct{}
	err     error // how it ended, once ended is closed

	operated bool // there is an operator's account
}

// transcript is what a process printed, safe to read while it prints.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *transcript) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// demo are the arguments of a server with the sandbox and its demonstration,
// whose callers talk without waiting.
const demo = "serve --sandbox --demo --sandbox-speed 0"

// start runs the server until its banner is complete, the demonstration's
// sign-in included. address "" takes a free port.
func start(t *testing.T, dir, address, line string, env ...string) *desk {
	t.Helper()
	return startAs(t, "", dir, address, line, env...)
}

// startAs runs the program that lies at path; "" is the built one.
func startAs(t *testing.T, path, dir, address, line string, env ...string) *desk {
	t.Helper()
	if address == "" {
		address = "127.0.0.1:0"
	}
	d := &desk{t: t, dir: dir, said: new(transcript), ended: make(chan struct{})}
	d.cmd = command(t, dir, line+" --http "+address, append([]string{"POCKETLINE_LOG_LEVEL=warn"}, env...)...)
	if path != "" {
		d.cmd.Path, d.cmd.Args[0] = path, path
	}
	d.cmd.Stderr = d.said
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.kill)
	ready := make(chan struct{})
	go func() {
		lines := bufio.NewScanner(out)
		for open := true; lines.Scan(); {
			fmt.Fprintln(d.said, lines.Text())
			switch words := strings.Fields(lines.Text()); {
			case !open:
			case len(words) == 0 && d.base != "": // the banner is complete
				open = false
				close(ready)
			case len(words) > 1 && words[0] == "dashboard":
				d.base = words[1]
			case len(words) > 1 && words[0] == "SANDBOX":
				d.sandbox = words[1]
			}
		}
		d.err = d.cmd.Wait()
		close(d.ended)
	}()
	select {
	case <-ready:
	case <-d.ended:
		t.Fatalf("the server ended while it started: %v\n%s", d.err, d.said)
	case <-time.After(patience):
		t.Fatalf("the server did not start:\n%s", d.said)
	}
	return d
}

// address is host:port, to start again at the same place.
func (d *desk) address() string { return strings.TrimPrefix(d.base, "http://") }

// kill ends the process the hard way, as a power cut or the kernel would.
func (d *desk) kill() {
	select {
	case <-d.ended:
		return
	default:
	}
	if err := d.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		d.t.Error(err)
	}
	<-d.ended
}

// stop asks the process to end and wants it to do so by itself, well.
func (d *desk) stop() {
	d.t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		d.t.Fatalf("SIGTERM: %v\n%s", err, d.said)
	}
	select {
	case <-d.ended:
	case <-time.After(patience):
		d.t.Fatalf("the server did not stop:\n%s", d.said)
	}
	if d.err != nil {
		d.t.Fatalf("the server ended with %v, want exit code 0\n%s", d.err, d.said)
	}
}

// run runs another command on the same data and returns what it said and
// whether it succeeded.
func (d *desk) run(line string) (said string, ok bool) {
	d.t.Helper()
	out, err := command(d.t, d.dir, line).CombinedOutput()
	return string(out), err == nil
}

// row is a record as the API shows it.
type row = map[string]any

// person is somebody who asks the server.
type person struct {
	t     *testing.T
	base  string
	token string
}

// httpc is shared; a restarted server must not meet connections of the old one.
var httpc = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}

// send asks once and returns the status, the header and the body.
func (p *person) send(method, path string, body any, header ...string) (int, http.Header, []byte, error) {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, nil, nil, err
		}
		content = bytes.NewReader(raw)
	}
	target := path
	if !strings.HasPrefix(path, "http") {
		target = p.base + path
	}
	r, err := http.NewRequest(method, target, content)
	if err != nil {
		return 0, nil, nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if p.token != "" {
		r.Header.Set("Authorization", p.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := httpc.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, answer, err
}

// ask wants a status and reads the answer into into, unless that is nil.
func (p *person) ask(method, path string, body any, want int, into any) {
	p.t.Helper()
	status, _, answer, err := p.send(method, path, body)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	if status != want {
		p.t.Fatalf("%s %s: got %d %.500s, want %d", method, path, status, answer, want)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(answer, into); err != nil {
		p.t.Fatalf("%s %s: %v in %.500s", method, path, err, answer)
	}
}

// rows are all rows of a collection that fit, in order.
func (p *person) rows(collection, filter, sort string) []row {
	p.t.Helper()
	var all []row
	for page := 1; ; page++ {
		query := url.Values{"filter": {filter}, "sort": {sort}, "perPage": {"200"}, "skipTotal": {"1"}, "page": {fmt.Sprint(page)}}
		var list struct{ Items []row }
		p.ask("GET", "/api/collections/"+collection+"/records?"+query.Encode(), nil, http.StatusOK, &list)
		all = append(all, list.Items...)
		if len(list.Items) < 200 {
			return all
		}
	}
}

// one is the only row that fits.
func (p *person) one(collection, filter string) row {
	p.t.Helper()
	all := p.rows(collection, filter, "")
	if len(all) != 1 {
		p.t.Fatalf("%s where %s: got %d rows, want 1", collection, filter, len(all))
	}
	return all[0]
}

// signIn signs a person in with a password, as every client does.
func (d *desk) signIn(t *testing.T, collection, email, password string) *person {
	t.Helper()
	p := &person{t: t, base: d.base}
	var answer struct{ Token string }
	p.ask("POST", "/api/collections/"+collection+"/auth-with-password", row{"identity": email, "password": password}, http.StatusOK, &answer)
	p.token = answer.Token
	return p
}

// owner is the demonstration's owner.
func (d *desk) owner(t *testing.T) *person {
	t.Helper()
	return d.signIn(t, collections.Users, demoEmail, demoPassword)
}

// The operator's account of tests.
const (
	operatorEmail    = "operator@pocketline.test"
	operatorPassword = "operator-of-tests"
)

// operator sees every column. The account is made by command, beside the
// running server.
func (d *desk) operator(t *testing.T) *person {
	t.Helper()
	if !d.operated {
		if said, ok := d.run("superuser upsert " + operatorEmail + " " + operatorPassword); !ok {
			t.Fatalf("superuser upsert: %s", said)
		}
		d.operated = true
	}
	return d.signIn(t, core.CollectionNameSuperusers, operatorEmail, operatorPassword)
}

// until waits for a condition that is looked at again and again.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// like checks one value of a row; it returns what is wrong, or "".
type like func(got any) string

// check compares a row with what it must be: every column, no other. A value
// that is a like is asked.
func check(t *testing.T, what string, got, want row) {
	t.Helper()
	for name, w := range want {
		g, there := got[name]
		if !there {
			t.Errorf("%s: %s is missing", what, name)
			continue
		}
		if asked, ok := w.(like); ok {
			if problem := asked(g); problem != "" {
				t.Errorf("%s: %s is %v: %s", what, name, g, problem)
			}
			continue
		}
		if !reflect.DeepEqual(g, jsonOf(t, w)) {
			t.Errorf("%s: %s is %v, want %v", what, name, g, w)
		}
	}
	for name, g := range got {
		if _, known := want[name]; !known {
			t.Errorf("%s: nobody checks %s, which is %v", what, name, g)
		}
	}
}

// jsonOf is a value as it comes out of JSON.
func jsonOf(t *testing.T, v any) any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
