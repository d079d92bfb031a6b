package egress

import (
	"fmt"
	"io"
	"math"
	"net/http"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// Budget is what an attempt may still use. [Client.Do] counts it down: one
// request per hop, and the bytes of headers and bodies in both directions.
// A Budget is used by one goroutine at a time.
type Budget struct {
	Requests int
	Bytes    int64
}

// request takes one request of the given size.
func (b *Budget) request(size int64) error {
	if b.Requests <= 0 {
		return fmt.Errorf("http requests of this attempt are used up: %w", abi.TooLarge)
	}
	b.Requests--
	return b.bytes(size)
}

func (b *Budget) bytes(n int64) error {
	if n > b.Bytes {
		b.Bytes = 0
		return fmt.Errorf("http bytes of this attempt are used up: %w", abi.TooLarge)
	}
	b.Bytes -= n
	return nil
}

// readAll reads to the end of r. A body of announced length that the budget
// cannot hold is not read at all; announced is -1 if unknown.
func (b *Budget) readAll(r io.Reader, announced int64) ([]byte, error) {
	if announced > b.Bytes {
		return nil, b.bytes(announced)
	}
	body, err := io.ReadAll(io.LimitReader(r, min(b.Bytes, math.MaxInt64-1)+1))
	if over := b.bytes(int64(len(body))); over != nil {
		return nil, over
	}
	return body, err
}

// discard reads a body that nobody wants, up to a few bytes, so that its
// connection can be used again.
func (b *Budget) discard(r io.Reader) error {
	n, _ := io.CopyN(io.Discard, r, min(b.Bytes, 4<<10)) // the connection's next user sees its state
	return b.bytes(n)
}

// headerBytes is about what a header takes on the wire.
func headerBytes(h http.Header) int64 {
	n := 2
	for name, values := range h {
		for _, value := range values {
			n += len(name) + len(value) + len(": \r\n")
		}
	}
	return int64(n)
}
