package collections

// Generated returns the content of each generated file by its path from the
// repository's root.
func Generated() (map[string][]byte, error) { return map[string][]byte{}, nil }
