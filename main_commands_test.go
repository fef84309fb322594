package main

import (
	"database/sql"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/faults/rig"
	"github.com/pocketline/pocketline/hooks"
)

// TestHelper_is_the_program runs main in a process of its own: see program.
func TestHelper_is_the_program(t *testing.T) {
	line, ok := os.LookupEnv("PL_TEST_ARGS")
	if !ok {
		return
	}
	os.Args = append([]string{"pocketline"}, strings.Fields(line)...)
	main()
	os.Exit(0)
}

// program runs the command line in an empty directory and returns what it said,
// whether it succeeded, and the directory.
func program(t *testing.T, line string, env ...string) (said string, ok bool, dir string) {
	t.Helper()
	dir = t.TempDir()
	c := exec.Command(os.Args[0], "-test.run=^TestHelper_is_the_program$")
	c.Dir = dir
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "POCKETLINE_") && !strings.HasPrefix(pair, "VAPI_") {
			c.Env = append(c.Env, pair)
		}
	}
	c.Env = append(append(c.Env, "PL_TEST_ARGS="+line), env...)
	out, err := c.CombinedOutput()
	return string(out), err == nil, dir
}

// busy is an address at which somebody listens.
func busy(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

func TestCommands_that_need_no_data_make_none(t *testing.T) {
	for _, c := range []struct {
		line string
		ok   bool
		says string
	}{
		{"version", true, version()},
		{"--version", true, "pocketline version"},
		{"--help", true, "jobs"},
		{"serve --help", true, "--sandbox"},
		{"jobs --help", true, "run"},
		{"", true, "Usage"},
		{"srve", false, `pocketline: unknown command "srve"`},
		{"serve --sandobx", false, "pocketline: unknown flag: --sandobx"},
		{"version --loud", false, "pocketline: unknown flag: --loud"},
		{"schema write x", false, "run this in the repository"},
		{"typegen", false, "run this in the repository"},
		{"health --url http://127.0.0.1:1", false,
			"pocketline: health: no server listens at http://127.0.0.1:1: start it, or name its address with --url"},
		{"schema nope", false, `pocketline: unknown command "nope" for "pocketline schema"`},
		{"restore no.zip --dir d", false, ". Nothing was changed"},
		{"sandbox --http " + busy(t), false, "choose another address with --http"},
		{"serve --demo --http 127.0.0.1:0", false, "--demo fills in accounts with a known password: it needs --sandbox"},
		{"serve --http nonsense", false, "pocketline: listen tcp"},
		{"sandbox --http nonsense", false, "pocketline: sandbox: "},
		{"sandbox --help", true, "--http string   loopback host:port"},
		{"sandbox --speed fast", false, "pocketline: invalid argument"},
		{"restore", false, "pocketline: restore: the file is missing: pocketline restore <file>"},
		{"restore a.zip b.zip", false, "pocketline: restore: one file at a time"},
		{"backup --to no/such/b.zip", false, "pocketline: backup: there is no folder no/such"},
	} {
		said, ok, dir := program(t, c.line)
		if ok != c.ok || !strings.Contains(said, c.says) {
			t.Errorf("%q: got success %v and %q, want %v and %q", c.line, ok, said, c.ok, c.says)
		}
		if strings.Count(said, "pocketline:") > 1 || !ok && strings.Contains(said, "Usage:") {
			t.Errorf("%q: an error is one line, got %q", c.line, said)
		}
		if made, err := os.ReadDir(dir); err != nil || len(made) > 0 {
			t.Errorf("%q: left %v behind (%v)", c.line, made, err)
		}
	}
}

func TestCommands_on_data_are_all_there(t *testing.T) {
	for _, name := range hooks.CommandNames() {
		said, ok, _ := program(t, name+" --help")
		if !ok || !strings.Contains(said, "pocketline "+name) {
			t.Errorf("%s: got success %v and %q", name, ok, said)
		}
	}
}

const setupLine = "setup --email ada@example.com --name Ada --organization Adas"

// A wrong --dir, or a flag that is missing, makes nothing and says so.
func TestCommands_refuse_a_directory_that_is_no_installation(t *testing.T) {
	for line, says := range map[string]string{
		"rotate-key --dir wrong": "wrong is no installation", "audit verify --dir wrong": "no installation",
		"jobs list":           "no installation",
		"jobs run audit.head": "no installation", "security link --email a@b.test": "no installation",
		"superuser upsert a@b.test long-enough-password": "no installation",
		"setup": "required flag", "setup --email a@b.test --name A": "organization",
		setupLine + " --language de": "--language", setupLine + " --timezone Mars/Olympus": "--timezone",
		setupLine + " --loud": "unknown flag",
	} {
		said, ok, dir := program(t, line)
		if ok || !strings.Contains(said, says) {
			t.Errorf("%q: got success %v and %q, want %q", line, ok, said, says)
		}
		if made, err := os.ReadDir(dir); err != nil || len(made) > 0 {
			t.Errorf("%q: left %v behind (%v)", line, made, err)
		}
	}
}

// A backup is mistaken for a data directory.
func TestCommands_refuse_a_directory_that_is_a_file(t *testing.T) {
	file := filepath.Join(t.TempDir(), "b.zip")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"serve --http 127.0.0.1:0", "jobs list", "backup", "restore " + file} {
		said, ok, _ := program(t, line+" --dir "+file)
		if ok || !strings.Contains(said, "the data directory "+file+" is a file") || strings.Count(said, "pocketline:") != 1 {
			t.Errorf("%q: got success %v and %q", line, ok, said)
		}
	}
}

func TestStart_on_a_port_that_is_taken_says_what_to_do(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	said, ok, _ := program(t, "serve --http "+taken.Addr().String())
	if ok || !strings.Contains(said, "another program listens on "+taken.Addr().String()) ||
		!strings.Contains(said, "--http") {
		t.Errorf("got success %v and %q", ok, said)
	}
}

// A check that checked nothing fails, and what only reads changes no database.
func TestReading_commands_check_something_and_change_nothing(t *testing.T) {
	data := t.TempDir()
	if said, ok, _ := program(t, setupLine+" --dir "+data); !ok {
		t.Fatal(said)
	}
	if said, ok, _ := program(t, "audit verify --dir "+data); !ok || !strings.Contains(said, "hold") {
		t.Errorf("audit verify: got success %v and %q", ok, said)
	}
	if said, ok, _ := program(t, "audit verify --organization nope --dir "+data); ok || !strings.Contains(said, "nope") {
		t.Errorf("a log that does not exist: got success %v and %q", ok, said)
	}
	db, err := sql.Open("sqlite", filepath.Join(data, "data.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("DELETE FROM _migrations WHERE file = (SELECT max(file) FROM _migrations WHERE file GLOB '1[0-9]*.go' OR file GLOB '[0-9]*')"); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"audit verify", "jobs list"} {
		if said, ok, _ := program(t, line+" --dir "+data); ok || !strings.Contains(said, "older version") {
			t.Errorf("%s with steps pending: got success %v and %q", line, ok, said)
		}
	}
	if _, err := os.Stat(filepath.Join(data, "backups")); err == nil {
		t.Error("a copy was made for a command that only reads")
	}
}

func TestConfiguration_that_is_wrong_stops_the_start(t *testing.T) {
	said, ok, dir := program(t, "serve --http 127.0.0.1:0", "POCKETLINE_SIGN_UP=closed", "VAPI_BASE_URL=api.vapi.ai",
		"POCKETLINE_SIGNUP=open")
	if ok {
		t.Error("the start went on")
	}
	for _, name := range []string{"POCKETLINE_SIGN_UP: ", "VAPI_BASE_URL: "} {
		if !strings.Contains(said, name) {
			t.Errorf("got %q, want it to name %s", said, name)
		}
	}
	if made, _ := os.ReadDir(dir); len(made) > 0 {
		t.Errorf("left %v behind", made)
	}
	if said, _, _ := program(t, "version", "POCKETLINE_SIGNUP=open"); !strings.Contains(said,
		"POCKETLINE_SIGNUP is set, but Pocketline does not know it") {
		t.Errorf("got %q, want a warning about the misspelled name", said)
	}
}

func TestKey_that_is_wrong_stops_the_start(t *testing.T) {
	said, ok, _ := program(t, setupLine, "POCKETLINE_KEY=tiny-planted-mark")
	if ok || !strings.Contains(said, "POCKETLINE_KEY") || strings.Contains(said, "planted-mark") {
		t.Errorf("got success %v and %q, want an error that names the variable and hides its value", ok, said)
	}
}

func TestKey_is_made_once_and_said(t *testing.T) {
	said, ok, dir := program(t, setupLine)
	if !ok || !strings.Contains(said, "a master key was made: ") {
		t.Fatalf("got success %v and %q", ok, said)
	}
	info, err := os.Stat(filepath.Join(dir, "pb_data", ".pocketline_key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want a key with mode 0600", info, err)
	}
}

func TestData_is_closed_to_other_users_of_the_machine(t *testing.T) {
	_, ok, dir := program(t, setupLine)
	if !ok {
		t.Fatal("the command failed")
	}
	err := filepath.WalkDir(filepath.Join(dir, "pb_data"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", entry.Name(), info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSetup_command_prints_a_link_and_no_password(t *testing.T) {
	said, ok, _ := program(t, "setup --email ada@example.com --name Ada --organization Adas",
		"POCKETLINE_PUBLIC_URL=https://desk.example.com")
	if !ok || !strings.Contains(said, "/reset#token=") {
		t.Errorf("got success %v and %q", ok, said)
	}
}

func TestData_of_the_sandbox_is_never_served_as_real(t *testing.T) {
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, sandboxMark), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	said, ok, _ := program(t, "serve --http 127.0.0.1:0 --dir "+data)
	if ok || !strings.Contains(said, errSandboxData.Error()) {
		t.Errorf("got success %v and %q, want the start refused", ok, said)
	}
}

func TestSandbox_takes_what_setup_made_and_nothing_real(t *testing.T) {
	const start = "serve --sandbox --http 127.0.0.1:0 --dir "
	said, ok, dir := program(t, "setup --email ada@example.com --name Ada --organization Adas",
		"POCKETLINE_PUBLIC_URL=https://desk.example.com")
	if !ok {
		t.Fatal(said)
	}
	data := filepath.Join(dir, "pb_data")
	statement(t, data, "INSERT INTO provider_accounts (id) VALUES ('real')")
	if said, ok, _ := program(t, start+data); ok || !strings.Contains(said, errRealData.Error()) {
		t.Errorf("got success %v and %q, want the start refused", ok, said)
	}
	if _, err := os.Stat(filepath.Join(data, sandboxMark)); err == nil {
		t.Error("the directory was marked")
	}
	statement(t, data, "DELETE FROM provider_accounts")
	rig.Start(t, data, "", "serve --sandbox").Stop()
	if said, ok, _ := program(t, "serve --http 127.0.0.1:0 --dir "+data); ok ||
		!strings.Contains(said, errSandboxData.Error()) {
		t.Errorf("got success %v and %q, want the sandbox's directory refused", ok, said)
	}
}

func TestReachable_is_an_address_that_can_be_dialled(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:8090": "127.0.0.1:8090",
		"0.0.0.0:8080":   "127.0.0.1:8080",
		":8080":          "127.0.0.1:8080",
		"[::]:8080":      "127.0.0.1:8080",
		"[::1]:8080":     "[::1]:8080",
		"desk.lan:80":    "desk.lan:80",
	} {
		if got := reachable(address); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}

// What libraries make while they are initialized sets off a collection, unless it is
// said before that a start is not worth one.
func TestStart_says_when_to_collect_before_libraries_are_initialized(t *testing.T) {
	said, ok, _ := program(t, "version", "GODEBUG=inittrace=1", "GOGC=")
	if !ok {
		t.Fatal(said)
	}
	ours := strings.Index(said, "hooks/internal/database/early @")
	largest := strings.Index(said, "github.com/nyaruka/phonenumbers @")
	if ours < 0 || largest < 0 || ours > largest {
		t.Errorf("package early is initialized at %d, the largest library at %d:\n%s", ours, largest, said)
	}
}
