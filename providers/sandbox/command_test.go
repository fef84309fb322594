package sandbox

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestMain_command_runs_until_it_is_told_to_stop(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = write
	defer func() { os.Stdout = stdout }()
	finished := make(chan error, 1)
	go func() { finished <- Main(Config{Addr: "127.0.0.1:0", Key: "k"}) }()
	var printed strings.Builder
	chunk := make([]byte, 4096)
	for !strings.Contains(printed.String(), "/_sandbox/calls -d") {
		n, err := read.Read(chunk)
		if err != nil {
			t.Fatal(err)
		}
		printed.Write(chunk[:n])
	}
	for _, route := range adminRoutes {
		if !strings.Contains(printed.String(), route.pattern) {
			t.Errorf("%s is not printed", route.pattern)
		}
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-finished; err != nil {
		t.Error(err)
	}
	for _, c := range []Config{{Addr: "0.0.0.0:0"}, {Addr: "127.0.0.1:0", Speed: -1}} {
		if err := Main(c); err == nil {
			t.Errorf("Main(%+v) ran", c)
		}
	}
}
