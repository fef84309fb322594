package httpjson

import "io"

// boundedBody fails with ErrTooLarge after left bytes.
type boundedBody struct {
	io.ReadCloser
	left int64
	done func()
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		// One byte too many was read to learn that there is more.
		return n - 1, ErrTooLarge
	}
	return n, err
}

func (b *boundedBody) Close() error {
	err := b.ReadCloser.Close()
	if b.done != nil {
		b.done()
	}
	return err
}
