package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// server is a running program that is measured.
type server struct {
	name string
	addr string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	boot time.Duration // from its start to its first 200
}

// program is how a server is started.
type program struct {
	name   string
	binary string
	dir    string // its data
	env    []string
	cgroup string // join this group before starting; "" is none
	cpu    string // the processors it may use; "" is all
}

// started are the servers that are not over, so that an interrupted bench
// leaves none behind.
type started struct {
	mu  sync.Mutex
	all map[*server]bool
}

var running = started{all: map[*server]bool{}}

func (r *started) add(s *server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[s] = true
}

func (r *started) remove(s *server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, s)
}

// stopOnSignal ends everything when the bench is told to stop.
func stopOnSignal(temporary string) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		running.mu.Lock()
		for s := range running.all {
			s.cmd.Process.Kill()
		}
		running.mu.Unlock()
		os.RemoveAll(temporary)
		os.Exit(130)
	}()
}

// command runs the program with arguments until it ends.
func (p program) command(out *bytes.Buffer, args ...string) error {
	cmd := exec.Command(p.binary, append(args, "--dir", p.dir)...)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", p.name, strings.Join(args, " "), err, tail(out.String()))
	}
	return nil
}

func tail(s string) string {
	if len(s) > 2000 {
		s = s[len(s)-2000:]
	}
	return strings.TrimSpace(s)
}

// start starts `serve` and waits for its first 200.
func (p program) start() (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	args := []string{p.binary, "serve", "--dir", p.dir, "--http", addr}
	if p.cpu != "" {
		args = append([]string{"taskset", "-c", p.cpu}, args...)
	}
	if p.cgroup != "" {
		args = append([]string{"sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, p.cgroup}, args...)
	}
	s := &server{name: p.name, addr: addr, log: filepath.Join(p.dir, "..", p.name+".log"), done: make(chan struct{})}
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	s.cmd = exec.Command(args[0], args[1:]...)
	s.cmd.Env = append(os.Environ(), p.env...)
	s.cmd.Stdout, s.cmd.Stderr = out, out
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	running.add(s)
	go func() {
		s.cmd.Wait()
		close(s.done)
		running.remove(s)
	}()
	req := request("GET", addr, "/api/health", "", nil)
	for {
		c := &conn{addr: addr}
		status, _, err := c.do(req)
		c.close()
		if err == nil && status == http.StatusOK {
			s.boot = time.Since(begin)
			return s, nil
		}
		if !s.alive() || time.Since(begin) > 2*time.Minute {
			s.stop()
			text, _ := os.ReadFile(s.log) // only to say more
			return nil, fmt.Errorf("%s did not start: %s", p.name, tail(string(text)))
		}
		time.Sleep(time.Millisecond)
	}
}

func (s *server) alive() bool {
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// stop ends the server the polite way, and after a while the other.
func (s *server) stop() {
	if s == nil || !s.alive() {
		return
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(40 * time.Second):
		s.cmd.Process.Kill()
		<-s.done
	}
}

// cpu is the processor time the server has used.
func (s *server) cpu() time.Duration {
	if s == nil {
		return 0
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64) // the kernel writes numbers
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond // in ticks of 1/100 s
}

// memory is what the server holds: its proportional share of everything, and
// of that what no file backs.
type memory struct{ pss, anonymous int64 }

func (s *server) memory() (m memory) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", s.cmd.Process.Pid))
	if err != nil {
		return m
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kb, _ := strconv.ParseInt(fields[1], 10, 64)
		switch fields[0] {
		case "Pss:":
			m.pss = kb << 10
		case "Pss_Anon:", "Anonymous:":
			m.anonymous = max(m.anonymous, kb<<10)
		}
	}
	return m
}

// peak watches the server's memory until stop is called.
func (s *server) peak() (stop func() memory) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan memory)
	go func() {
		var most memory
		for {
			m := s.memory()
			most.pss, most.anonymous = max(most.pss, m.pss), max(most.anonymous, m.anonymous)
			select {
			case <-ctx.Done():
				done <- most
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	return func() memory { cancel(); return <-done }
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// build compiles a package of this repository the way releases are built.
func build(pkg, into string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", into, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", pkg, err, tail(string(out)))
	}
	return nil
}

// pin puts this process on one processor and leaves the others to the servers.
// It returns the servers' processors, "" when nothing was pinned.
func pin() string {
	if _, err := exec.LookPath("taskset"); err != nil || cores() < 2 {
		return ""
	}
	if err := exec.Command("taskset", "-acp", "1", strconv.Itoa(os.Getpid())).Run(); err != nil {
		return ""
	}
	return "0"
}

func cores() int {
	raw, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return 1
	}
	return bytes.Count(raw, []byte("\nprocessor")) + 1
}

var errNoGroup = errors.New("no memory group can be made here")

// group is a memory cgroup, version 1 or 2.
type group struct {
	dir   string
	limit int64
}

func newGroup(limit int64) (*group, error) {
	for _, g := range []struct{ root, file string }{
		{"/sys/fs/cgroup", "memory.max"},
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
	} {
		dir := filepath.Join(g.root, "pocketline-bench-"+strconv.Itoa(os.Getpid()))
		if os.Mkdir(dir, 0o700) != nil {
			continue
		}
		if os.WriteFile(filepath.Join(dir, g.file), []byte(strconv.FormatInt(limit, 10)), 0o600) == nil {
			if _, err := os.Stat(filepath.Join(dir, "cgroup.procs")); err == nil {
				return &group{dir, limit}, nil
			}
		}
		os.Remove(dir)
	}
	return nil, errNoGroup
}

func (g *group) remove() {
	if g != nil {
		os.Remove(g.dir)
	}
}

// oomKills counts how often the kernel killed in the group.
func (g *group) oomKills() int {
	for _, file := range []string{"memory.events", "memory.oom_control"} {
		raw, err := os.ReadFile(filepath.Join(g.dir, file))
		if err != nil {
			continue
		}
		for line := range strings.SplitSeq(string(raw), "\n") {
			if n, ok := strings.CutPrefix(line, "oom_kill "); ok {
				kills, _ := strconv.Atoi(strings.TrimSpace(n))
				return kills
			}
		}
	}
	return 0
}
