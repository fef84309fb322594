package database

import (
	"os"
	"runtime"
)

// leastThreads is how many goroutines run at a time, whatever the machine has.
const leastThreads = 2

// ShareProcessor lets the kernel choose between the writer and everybody else
// where there is one processor. Go by itself would let a commit or a checkpoint
// end, or take 10 ms to notice, before it answers a caller. GOMAXPROCS in the
// environment is left as it is.
func ShareProcessor() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < leastThreads {
		runtime.GOMAXPROCS(leastThreads)
	}
}
