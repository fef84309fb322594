package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// measured is where the page's figures begin.
const measured = "<!-- measured: written by make faults -->\n"

// write replaces the figures of a page.
func write(path string, rows []result, at time.Time) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, _, found := strings.Cut(string(page), measured)
	if !found {
		return fmt.Errorf("%s has no line %s", path, strings.TrimSpace(measured))
	}
	version := "unknown"
	if out, err := exec.Command("git", "describe", "--tags", "--always", "--dirty").Output(); err == nil {
		version = strings.TrimSpace(string(out))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\nMeasured on %s with Pocketline %s, %s, %d processors%s; all of it took %s.\n\n",
		before, measured,
		at.UTC().Format("2006-01-02 15:04 UTC"), version, runtime.Version(), runtime.NumCPU(), load(),
		time.Since(at).Round(time.Second))
	b.WriteString("| | What is done | What must hold | | Figures |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range rows {
		tells := r.figures
		switch r.verdict {
		case skipped:
			tells = r.why
		case notBuilt:
			tells = "waits for " + r.missing
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.id, r.does, r.want, r.verdict,
			strings.ReplaceAll(tells, "|", "\\|"))
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

// load says how busy the machine is, where the system tells.
func load() string {
	raw, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(raw))
	if err != nil || len(fields) < 3 {
		return ""
	}
	return ", load average " + fields[2]
}
