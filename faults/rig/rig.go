// Package rig runs the built program as its users do, for tests and for the
// faults: it starts, kills and stops the real binary, asks it as a person, and
// sends what a provider would send.
package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Patience is how long something may take before it is given up. It measures
// nothing: it is far longer than anything takes.
const Patience = 3 * time.Minute

// module is the program as the go command names it.
const module = "github.com/pocketline/pocketline"

// T is whoever looks on: a test, or a fault that is run by itself.
type T interface {
	Helper()
	Cleanup(func())
	Context() context.Context
	TempDir() string
	Failed() bool
	Log(args ...any)
	Logf(format string, args ...any)
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Skip(args ...any)
}

var built struct {
	sync.Mutex
	dir, path string
	err       error
}

// Binary builds the program once and returns its path; Remove takes it away.
func Binary() (string, error) {
	built.Lock()
	defer built.Unlock()
	if built.dir != "" || built.err != nil {
		return built.path, built.err
	}
	if built.dir, built.err = os.MkdirTemp("", "pocketline-rig"); built.err != nil {
		return "", built.err
	}
	built.path = filepath.Join(built.dir, "pocketline")
	build := exec.Command("go", "build", "-o", built.path, module)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		built.err = fmt.Errorf("go build: %w\n%s", err, out)
	}
	return built.path, built.err
}

// Remove deletes the program that was built.
func Remove() error {
	built.Lock()
	defer built.Unlock()
	dir := built.dir
	built.dir = ""
	if dir == "" {
		return nil
	}
	return os.RemoveAll(dir)
}

// Environment is this process's environment without anything the program would
// read, and with what is given.
func Environment(more ...string) []string {
	kept := slices.DeleteFunc(os.Environ(), func(pair string) bool {
		return strings.HasPrefix(pair, "POCKETLINE_") || strings.HasPrefix(pair, "VAPI_")
	})
	return append(kept, more...)
}

// Command is the built program on a data directory.
func Command(t T, dir, line string, env ...string) *exec.Cmd {
	t.Helper()
	path, err := Binary()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, append(strings.Fields(line), "--dir", dir)...)
	c.Dir = filepath.Dir(path)
	c.Env = Environment(env...)
	return c
}

// FreeAddress is one nobody listens on, for a server whose address must be known
// before it starts.
func FreeAddress(t T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// Until waits for a condition that is looked at again and again.
func Until(t T, what string, holds func() bool) {
	t.Helper()
	UntilWithin(t, Patience, what, holds)
}

// UntilWithin is Until with a deadline of its own, and returns how long it took.
func UntilWithin(t T, limit time.Duration, what string, holds func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-ctx.Done():
			if errors.Is(t.Context().Err(), context.Canceled) {
				t.Fatalf("broken off while waiting for: %s", what)
			}
			t.Fatalf("waited %s in vain for: %s", limit, what)
		}
	}
	return time.Since(began)
}
