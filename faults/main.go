// Command faults does to the real binary what happens to servers: it kills it,
// fills its disk, damages its files, drops its messages and moves its clock, and
// looks at what is left. `make faults` runs it; docs/reliability.md says what is
// promised. Everything stays on this machine, and the sandbox is every provider.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pocketline/pocketline/faults/rig"
)

// fault is one thing that goes wrong.
type fault struct {
	id   string // F1 to F29
	does string // what is done to the server
	want string // what must hold
	// run does it; nil where the part it is about is not built yet, which missing
	// names.
	run     func(t *trial)
	missing string
	// quick faults are tests too.
	quick bool
}

// faults are all of them, in the order of the plan.
var faults = []fault{
	{
		id: "F1", does: "killed with SIGKILL again and again in a storm of calls",
		want: "no acknowledged message is lost, every call is whole", run: killed, quick: true,
	},
	{
		id: "F2", does: "the power goes in a storm of calls",
		want: "no acknowledged message is lost, the start takes less than 10 s", run: powerCut,
	},
	{
		id: "F3", does: "the disk is full in a storm, before an upload, a backup and an update",
		want: "nothing is acknowledged that is not stored, /readyz says it, all goes on once there is room",
		run:  diskFull,
	},
	{
		id: "F4", does: "the phone provider hangs, refuses, is busy, and acts without an answer",
		want: "saving takes at most 2 s, and afterwards there is one copy of everything", run: providerDown,
	},
	{id: "F5", does: "every message five times at once", want: "one effect", run: fiveTimes, quick: true},
	{
		id: "F6", does: "the messages of calls backwards and shuffled",
		want: "the call of the right order", run: anyOrder, quick: true,
	},
	{
		id: "F7", does: "messages three days late, of deleted assistants, numbers and organizations, of unknown numbers",
		want: "they are taken once, and bring nothing back", run: tooLate, quick: true,
	},
	{
		id: "F8", does: "half of all messages dropped",
		want: "one round of asking the provider makes every call whole", run: halfDropped, quick: true,
	},
	{
		id: "F9", does: "the jobs' clock an hour behind, an hour and a day ahead, and back; signatures of other hours",
		want: "every call is found and billed once, people stay signed in, a signature is good for five minutes",
		run:  clockMoved, quick: true,
	},
	{
		id: "F10", does: "a second server and commands on one data directory",
		want: "the second server says why and ends, commands work", run: beside, quick: true,
	},
	{
		id: "F11", does: "the database's log: a byte flipped, its header zeroed, cut, deleted",
		want: "the next start says what is lacking, and of which file", run: logDamaged, quick: true,
	},
	{
		id: "F12", does: "stopped and killed while somebody is on the phone",
		want: "what is under way is answered, callers wait at most 2 s, the call is whole afterwards", run: midCall,
	},
	{
		id: "F13", does: "1,000 bodies of 10 MB, with their length and in chunks",
		want: "each is refused with 413, the server grows by less than 64 MB (with GOGC=100)", run: hugeBodies,
	},
	{
		id: "F14", does: "malformed bodies at every route",
		want: "refused or kept, never a failure of ours", run: malformed, quick: true,
	},
	{
		id: "F15", does: "200 dashboards that never read, while rows they follow change",
		want: "memory is back in 15 s, a write takes at most twice as long or 250 ms", run: deaf,
	},
	{
		id: "F16", does: "1,000 dashboards of 50 organizations listen while messages come",
		want: "a message is acknowledged in 250 ms (p99), nobody hears of another organization", run: crowd,
	},
	{
		id: "F17", does: "2,000 sockets that send a header or a body byte by byte",
		want: "others are answered, the sockets are freed", run: slow,
	},
	{
		id: "F18", does: "backups in a storm, restored into an empty directory",
		want: "what was acknowledged before is there, the copy is of a moment after its beginning", run: backedUp,
	},
	{
		id: "F19", does: "a backup restored from the panel in a storm, started again by itself and by a supervisor",
		want: "what is acknowledged after the request stays, the server comes back", run: restoredInPlace, quick: true,
	},
	{id: "F20", does: "the replica's store cannot be reached", missing: "replication"},
	{id: "F21", does: "the host is lost and restored from the replica", missing: "replication"},
	{id: "F22", does: "data of every earlier release brought to this one", missing: "an earlier release"},
	{
		id: "F23", does: "killed in the middle of updates in a storm; an older version on newer data",
		want: "nothing is lost, every call is whole, the older version is refused", run: updated,
	},
	{
		id: "F24", does: "one noisy organization among 100,000 rows a table",
		missing: "shares of the machine for each organization",
	},
	{
		id: "F25", does: "one record changed by many at once, in different fields and in the same",
		want: "no edit of another field is lost, of the same field the last one holds and each is in the audit log",
		run:  edited,
	},
	{
		id: "F26", does: "the same jobs asked for many times at once, and killed in the middle",
		want: "every call is packed and billed once", run: overlapped,
	},
	{
		id: "F27", does: "an upload cut, a recording's file gone, the object storage away",
		want: "rows and files agree, what is missing is said, what could not be kept is fetched again", run: filesLost,
	},
	{
		id: "F28", does: "a mail server that takes connections and says nothing",
		want: "nobody waits for it longer than 2 s", run: mailDown, quick: true,
	},
	{
		id: "F29", does: "256 files may be open, and idle connections take what they can",
		want: "the idle ones are dropped, no message is refused", run: fewFiles, quick: true,
	},
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func run() error {
	only := flag.String("only", "", "comma list of faults, as F3,F9 (default: all)")
	out := flag.String("o", "", "write what was measured into this page")
	loud := flag.Bool("v", false, "print what each fault noted")
	flag.Parse()
	wanted := strings.FieldsFunc(strings.ToUpper(*only), func(r rune) bool { return r == ',' || r == ' ' })
	for _, id := range wanted {
		if !slices.ContainsFunc(faults, func(f fault) bool { return f.id == id }) {
			return fmt.Errorf("there is no fault %s", id)
		}
	}
	if *out != "" && len(wanted) > 0 {
		return errors.New("-o writes the whole table: leave -only out")
	}
	breakOff := make(chan os.Signal, 1)
	signal.Notify(breakOff, os.Interrupt, syscall.SIGTERM)
	defer func() {
		if err := rig.Remove(); err != nil {
			fmt.Fprintln(os.Stderr, "faults:", err)
		}
	}()
	if _, err := rig.Binary(); err != nil {
		return err
	}
	began := time.Now()
	rows, err := injectAll(wanted, breakOff, *loud)
	if err != nil {
		return err
	}
	fell := 0
	for _, r := range rows {
		if r.verdict == fellDown {
			fell++
		}
	}
	fmt.Printf("%d faults in %s, %d fell\n", len(rows), time.Since(began).Round(time.Second), fell)
	if *out != "" {
		if err := write(*out, rows, began); err != nil {
			return err
		}
	}
	if fell > 0 {
		return fmt.Errorf("%d fell", fell)
	}
	return nil
}

// injectAll injects what is wanted, or everything, and prints each verdict.
func injectAll(wanted []string, breakOff chan os.Signal, loud bool) (rows []result, err error) {
	for _, f := range faults {
		if len(wanted) > 0 && !slices.Contains(wanted, f.id) {
			continue
		}
		r := inject(f, breakOff)
		fmt.Println(r)
		if r.verdict == fellDown || loud {
			for _, line := range r.said {
				fmt.Println("      " + strings.ReplaceAll(line, "\n", "\n      "))
			}
		}
		if r.broken {
			return nil, errors.New("broken off")
		}
		rows = append(rows, r)
	}
	return rows, nil
}
