package testkit

// Endless is a body that never ends. It counts what is read of it.
type Endless struct{ Bytes int }

// Read fills p with spaces.
func (e *Endless) Read(p []byte) (int, error) {
	e.Bytes += len(p)
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
