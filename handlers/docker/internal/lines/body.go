package lines

import "io"

// A body is the bytes that follow a file_put: exactly as many as it said.
type body struct {
	from io.Reader
	left int64
	err  error // of from; the peer has gone
}

// Read implements io.Reader. Too few bytes are io.ErrUnexpectedEOF.
func (b *body) Read(p []byte) (int, error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case b.left == 0:
		return 0, io.EOF
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err != nil && b.left > 0 {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		b.err = err
		return n, err
	}
	return n, nil
}

// finish reads what nobody wanted, so that the next request is found.
func (b *body) finish() error {
	_, err := io.Copy(io.Discard, b)
	return err
}
