//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// startAgain puts a new run of the program in the place of this one, which has
// ended but for the process. It returns only when it cannot; whoever looks after
// the server starts it then.
func startAgain() error {
	path, err := os.Executable()
	if err == nil {
		err = syscall.Exec(path, os.Args, os.Environ())
	}
	return fmt.Errorf("start again to finish the restore: %w; start the server, it goes on", err)
}
