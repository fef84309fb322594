package serving

// writable has nothing to say: files inherit the folder's access list.
func writable(string) error { return nil }
