package serving

// openFiles is 0: nothing bounds them that could be asked.
func openFiles() int { return 0 }
