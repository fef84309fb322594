package database

import (
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/pocketline/pocketline/hooks/internal/database/early"
)

const (
	// Share of the machine Go's heap may fill before it collects harder. The
	// rest is SQLite's caches, which Go counts too, the page cache and stacks.
	Share = 0.62
	// leastLimit keeps a wrong reading from starving the process.
	leastLimit = 64 << 20
	// settled is when a start is over. What it needed once goes back to the
	// machine then: Go would keep it for minutes.
	settled = 2 * time.Second
	// running is GOGC afterwards (until then it is early.Percent): half the work of Go's own 100 for some
	// megabytes, and the limit holds all the same.
	running = 200
)

// LimitMemory sets Go's memory limit from the machine or its cgroup, whichever
// is smaller, unless GOMEMLIMIT says otherwise. It returns the limit in bytes,
// 0 when none was set. Until the start is over, garbage is collected later than
// usual; the limit holds all the same.
func LimitMemory() int64 {
	collectLater(early.Ours)
	if os.Getenv("GOMEMLIMIT") != "" {
		return 0
	}
	size := machine("/")
	if size == 0 {
		return 0
	}
	limit := max(int64(float64(size)*Share), leastLimit)
	debug.SetMemoryLimit(limit)
	return limit
}

// collectLater ends what package early began. A GOGC of the operator's stays as it
// is.
func collectLater(ours bool) {
	time.AfterFunc(settled, func() {
		if ours {
			debug.SetGCPercent(running)
		}
		debug.FreeOSMemory()
	})
}

// machine is how much memory this process may have, 0 when nothing says so.
// root is "/" outside tests.
func machine(root string) int64 {
	least := int64(math.MaxInt64)
	for _, size := range []int64{
		total(filepath.Join(root, "proc/meminfo")),
		cgroup(root, "0::", "sys/fs/cgroup", "memory.max"),
		cgroup(root, ":memory:", "sys/fs/cgroup/memory", "memory.limit_in_bytes"), // version 1
	} {
		if size > 0 {
			least = min(least, size)
		}
	}
	if least == math.MaxInt64 {
		return 0
	}
	return least
}

// cgroup is the smallest limit between this process's group and the root of a
// hierarchy, 0 when there is none. Its line in /proc/self/cgroup has mark before the
// group, whose limit stands in file. Inside a container the group's own files may be
// the root's.
func cgroup(root, mark, mount, file string) int64 {
	least := number(filepath.Join(root, mount, file))
	raw, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return least
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		_, group, ok := strings.Cut(strings.TrimSpace(line), mark)
		if !ok {
			continue
		}
		for group = filepath.Clean("/" + group); group != "/"; group = filepath.Dir(group) {
			if size := number(filepath.Join(root, mount, group, file)); size > 0 && (least == 0 || size < least) {
				least = size
			}
		}
	}
	return least
}

// number reads a file that holds one number; "max" and nonsense are 0.
func number(path string) int64 {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
	if err != nil || n >= math.MaxInt64/2 { // version 1 writes a huge number for "no limit"
		return 0
	}
	return n
}

func total(path string) int64 {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		if fields := strings.Fields(line); len(fields) >= 2 && fields[0] == "MemTotal:" {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				return 0
			}
			return kb << 10
		}
	}
	return 0
}
