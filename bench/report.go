package main

import (
	"database/sql"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// row is one line of the report.
type row struct {
	Group, Measure string
	Product, Floor string
	Against        string // what the floor's number is of
	Ratio          float64
	Target         target
	Passed         bool // for targets that are not about the ratio
}

// target is what a row has to reach; the zero value is none.
type target struct {
	text     string
	least    float64
	most     float64
	verdicts bool // Passed decides
}

func atLeast(ratio float64) target { return target{text: "≥ " + times(ratio), least: ratio} }
func atMost(ratio float64) target  { return target{text: "≤ " + times(ratio), most: ratio} }
func must(text string) target      { return target{text: text, verdicts: true} }

func (r row) verdict() string {
	met := r.Passed
	switch {
	case r.Target.text == "":
		return ""
	case r.Target.least > 0:
		met = r.Ratio >= r.Target.least
	case r.Target.most > 0:
		met = r.Ratio <= r.Target.most
	}
	if met {
		return "met"
	}
	return "MISSED"
}

func times(ratio float64) string {
	switch {
	case ratio == 0 || math.IsNaN(ratio) || math.IsInf(ratio, 0):
		return ""
	case ratio < 0.2:
		return fmt.Sprintf("1/%.0f", 1/ratio)
	case ratio < 10:
		return fmt.Sprintf("%.2f×", ratio)
	default:
		return fmt.Sprintf("%.0f×", ratio)
	}
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func ms(v float64) string {
	switch {
	case v < 10:
		return fmt.Sprintf("%.2f ms", v)
	case v < 100:
		return fmt.Sprintf("%.1f ms", v)
	}
	return fmt.Sprintf("%.0f ms", v)
}
func us(v float64) string        { return fmt.Sprintf("%.0f µs", v) }
func perSecond(v float64) string { return fmt.Sprintf("%.0f/s", v) }
func mb(v int64) string          { return fmt.Sprintf("%.1f MB", float64(v)/1e6) }
func kb(v int64) string          { return fmt.Sprintf("%.0f kB", float64(v)/1e3) }

func sizeName(calls int) string {
	switch {
	case calls >= 1_000_000:
		return fmt.Sprintf("%gM calls", float64(calls)/1e6)
	case calls >= 1_000:
		return fmt.Sprintf("%gk calls", float64(calls)/1e3)
	}
	return fmt.Sprintf("%d calls", calls)
}

func (b *bench) row(r row) {
	b.rows = append(b.rows, r)
	fmt.Printf("  %-58s %-32s %-32s %-8s %-8s %s\n", r.Measure, r.Product, r.Floor, times(r.Ratio),
		r.Target.text, r.verdict())
}

func (b *bench) say(format string, args ...any) {
	fmt.Printf("- "+format+"\n", args...)
}

// markdown is the report as it stands in docs/performance.md.
func (b *bench) markdown() string {
	var s strings.Builder
	s.WriteString(b.machine())
	group := ""
	for _, r := range b.rows {
		if r.Group != group {
			group = r.Group
			fmt.Fprintf(&s,
				"\n### %s\n\n| measure | Pocketline | floor | floor is | ratio | target | |\n| --- | --- | --- | --- | --- | --- | --- |\n", group)
		}
		verdict := r.verdict()
		if verdict == "MISSED" {
			verdict = "**missed**"
		}
		fmt.Fprintf(&s, "| %s | %s | %s | %s | %s | %s | %s |\n", r.Measure, r.Product, r.Floor, r.Against,
			times(r.Ratio), r.Target.text, verdict)
	}
	return s.String()
}

// machine describes where and when this was measured.
func (b *bench) machine() string {
	field := func(path, name string) string {
		raw, err := os.ReadFile(path)
		if err != nil {
			return "?"
		}
		for line := range strings.SplitSeq(string(raw), "\n") {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
				return strings.TrimSpace(v)
			}
		}
		return "?"
	}
	kernel := "?"
	if out, err := exec.Command("uname", "-sr").Output(); err == nil {
		kernel = strings.TrimSpace(string(out))
	}
	sqlite := "?"
	if db, err := sql.Open("sqlite", ":memory:"); err == nil {
		defer db.Close()
		if err := db.QueryRow("SELECT sqlite_version()").Scan(&sqlite); err != nil {
			sqlite = "?"
		}
	}
	versions := map[string]string{}
	if out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}",
		"github.com/pocketbase/pocketbase").Output(); err == nil {
		versions["github.com/pocketbase/pocketbase"] = strings.TrimSpace(string(out)) // the bench itself does not link it
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			versions[m.Path] = m.Version
		}
	}
	disk := "?"
	if out, err := exec.Command("df", "--output=fstype", b.cache).Output(); err == nil {
		if lines := strings.Fields(string(out)); len(lines) > 1 {
			disk = lines[1]
		}
	}
	pinned := "nothing pinned to processors"
	if b.serverCPU != "" {
		pinned = "servers on one core, the load's generator on another"
	}
	low, mean, high := b.busy.read()
	return fmt.Sprintf("| | |\n| --- | --- |\n| date | %s |\n| machine | %s, %d cores, %s memory, %s file system |\n| system | %s |\n"+
		"| versions | Pocketline %s, %s, PocketBase %s, SQLite %s (modernc.org/sqlite %s) |\n| load average while measuring | %.1f to %.1f, mean %.1f: %s |\n"+
		"| method | %s; %d rounds of %s, medians; command `%s` |\n",
		b.began.UTC().Format("2006-01-02 15:04 UTC"), field("/proc/cpuinfo", "model name"), cores(),
		field("/proc/meminfo", "MemTotal"), disk, kernel,
		b.version, runtime.Version(), versions["github.com/pocketbase/pocketbase"], sqlite, versions["modernc.org/sqlite"],
		low, high, mean, quiet(mean), pinned, b.rounds, b.length, b.command)
}

func quiet(mean float64) string {
	if mean > float64(cores())+1 {
		return "the machine was shared and busy; trust ratios and processor time, not single times"
	}
	return "the machine was quiet"
}

// busy samples the load average.
type busy struct {
	mu             sync.Mutex
	low, sum, high float64
	n              int
}

func (l *busy) watch() {
	for {
		raw, err := os.ReadFile("/proc/loadavg")
		if err != nil {
			return
		}
		var one float64
		if _, err := fmt.Sscanf(string(raw), "%f", &one); err != nil {
			return
		}
		l.mu.Lock()
		if l.n == 0 || one < l.low {
			l.low = one
		}
		l.high = max(l.high, one)
		l.sum += one
		l.n++
		l.mu.Unlock()
		time.Sleep(5 * time.Second)
	}
}

func (l *busy) read() (low, mean, high float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.low, l.sum / float64(max(l.n, 1)), l.high
}

const (
	beginMark = "<!-- measured: written by make bench -->"
	endMark   = "<!-- end of what was measured -->"
)

// write puts the report between the marks of the page and leaves the rest.
func (b *bench) write(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	head, rest, found := strings.Cut(string(raw), beginMark)
	_, foot, ended := strings.Cut(rest, endMark)
	if !found || !ended {
		head, foot = "# Performance\n\n", "\n"
	}
	return os.WriteFile(path, []byte(head+beginMark+"\n\n"+b.markdown()+"\n"+endMark+foot), 0o644)
}
