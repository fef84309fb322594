package database

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocketbase/pocketbase/core"
	_ "github.com/pocketbase/pocketbase/migrations"

	"github.com/pocketline/pocketline/hooks/internal/database/early"
)

func TestConnect_sets_every_connection(t *testing.T) {
	dir := t.TempDir()
	app := core.NewBaseApp(core.BaseAppConfig{DataDir: dir, DBConnect: Connect, DataMaxOpenConns: DataOpen,
		AuxMaxOpenConns: AuxOpen})
	if err := app.Bootstrap(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { app.ClearBootstrap() })
	tests := []struct {
		name string
		read func(query string, into *string) error
		want map[string]string
	}{
		{"data writer", func(q string, v *string) error { return app.NonconcurrentDB().NewQuery(q).Row(v) },
			map[string]string{"synchronous": "2", "temp_store": "1", "cache_size": "-8000", "journal_mode": "wal",
				"foreign_keys": "1", "busy_timeout": "10000", "secure_delete": "2"}},
		{"data reader", func(q string, v *string) error { return app.ConcurrentDB().NewQuery(q).Row(v) },
			map[string]string{"synchronous": "2", "temp_store": "1", "cache_size": "-8000"}},
		{"auxiliary writer", func(q string, v *string) error { return app.AuxNonconcurrentDB().NewQuery(q).Row(v) },
			map[string]string{"synchronous": "1", "temp_store": "1", "cache_size": "-8000"}},
	}
	for _, tt := range tests {
		for name, want := range tt.want {
			var got string
			if err := tt.read("PRAGMA "+name, &got); err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("%s: %s is %s, want %s", tt.name, name, got, want)
			}
		}
	}
}

func TestMachine_takes_the_smallest_limit(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"nothing says so", nil, 0},
		{"the machine", map[string]string{"proc/meminfo": "MemFree: 1 kB\nMemTotal:   262144 kB\n"}, 256 << 20},
		{"a group without a limit",
			map[string]string{"proc/meminfo": "MemTotal: 262144 kB", "sys/fs/cgroup/memory.max": "max\n"}, 256 << 20},
		{"a container", map[string]string{"proc/meminfo": "MemTotal: 262144 kB", "sys/fs/cgroup/memory.max": "134217728\n"},
			128 << 20},
		{"a group inside a group", map[string]string{
			"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "100000000",
			"sys/fs/cgroup/a/b/memory.max": "200000000",
		}, 100000000},
		{"the older groups", map[string]string{"proc/meminfo": "MemTotal: 262144 kB",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "104857600"}, 100 << 20},
		{"a group inside a group of the older ones", map[string]string{
			"proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/a/b\n0::/c\n",
			"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "268435456",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes":   "536870912",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":     "9223372036854771712",
		}, 256 << 20},
		{"the older groups without a limit",
			map[string]string{"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			for name, content := range tt.files {
				path := filepath.Join(root, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got := machine(root); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestCollectLater_is_over_when_the_start_is(t *testing.T) {
	for _, tt := range []struct {
		name         string
		ours         bool
		during, then int
	}{
		{"usually", true, early.Percent, running},
		{"the operator chose", false, 50, 50},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := debug.SetGCPercent(tt.during)
			t.Cleanup(func() { debug.SetGCPercent(before) })
			percent := func() int {
				now := debug.SetGCPercent(tt.during)
				debug.SetGCPercent(now)
				return now
			}
			synctest.Test(t, func(t *testing.T) {
				collectLater(tt.ours)
				if got := percent(); got != tt.during {
					t.Errorf("while starting: got %d, want %d", got, tt.during)
				}
				<-time.After(settled + time.Nanosecond)
				synctest.Wait()
				if got := percent(); got != tt.then {
					t.Errorf("afterwards: got %d, want %d", got, tt.then)
				}
			})
		})
	}
}

func TestShareProcessor_leaves_the_operators_choice(t *testing.T) {
	for _, tt := range []struct {
		name, variable string
		had, want      int
	}{
		{"one processor", "", 1, 2},
		{"more", "", 8, 8},
		{"one, as the operator wants", "1", 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("GOMAXPROCS", tt.variable)
			before := runtime.GOMAXPROCS(tt.had)
			t.Cleanup(func() { runtime.GOMAXPROCS(before) })
			ShareProcessor()
			if got := runtime.GOMAXPROCS(0); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestConnect_finds_a_directory_whatever_its_name(t *testing.T) {
	for _, name := range []string{"what?", "100%", "a#b", "a b", "é"} {
		path := filepath.Join(t.TempDir(), name, dataFile)
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		db, err := Connect(path)
		if err != nil {
			t.Fatal(err)
		}
		var mode string
		if _, err := db.NewQuery("CREATE TABLE t (v)").Execute(); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if err := db.NewQuery("PRAGMA journal_mode").Row(&mode); err != nil || mode != "wal" {
			t.Errorf("%q: mode %q, %v: the settings did not arrive", name, mode, err)
		}
		db.Close()
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%q: the file is elsewhere: %v", name, err)
		}
	}
}

func TestSetAside_takes_a_damaged_log_and_no_whole_one(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, auxFile)
	aside := func() int {
		if err := SetAside(dir); err != nil {
			t.Fatal(err)
		}
		found, err := filepath.Glob(path + ".damaged-*")
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	if n := aside(); n != 0 {
		t.Errorf("where there is none yet: %d", n)
	}
	db, err := Connect(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.NewQuery("CREATE TABLE t (v)").Execute(); err != nil {
		t.Fatal(err)
	}
	if n := aside(); n != 0 {
		t.Errorf("a whole one: %d", n)
	}
	db.Close()
	if err := os.WriteFile(path, bytes.Repeat([]byte("damage"), 2000), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := aside(); n != 1 {
		t.Errorf("a damaged one: %d", n)
	}
	if db, err = Connect(path); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.NewQuery("CREATE TABLE t (v)").Execute(); err != nil {
		t.Errorf("the new one: %v", err)
	}
}

// Beginning is where a writer waits: in the middle it would be refused.
func TestConnect_takes_the_write_lock_when_a_transaction_begins(t *testing.T) {
	path := filepath.Join(t.TempDir(), dataFile)
	var one [2]*sql.DB
	for n := range one {
		db, err := Connect(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		one[n] = db.DB()
		one[n].SetMaxOpenConns(1)
		if _, err := one[n].Exec("CREATE TABLE IF NOT EXISTS t (v TEXT); PRAGMA busy_timeout = 0"); err != nil {
			t.Fatal(err)
		}
	}
	writing, err := one[0].Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer writing.Rollback()
	if tx, err := one[1].Begin(); err == nil {
		tx.Rollback()
		t.Error("two transactions that may write began at once")
	}
	reading, err := one[1].BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatalf("readers wait for a writer: %v", err)
	}
	reading.Rollback()
}

func TestSetAside_says_that_a_folder_is_in_the_way(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, auxFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := SetAside(dir); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("got %v", err)
	}
}
