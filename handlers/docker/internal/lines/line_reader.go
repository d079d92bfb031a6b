package lines

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// keptBytes is the most that a buffer keeps between two lines.
const keptBytes = 64 << 10

// errOverlong is a line that is longer than any may be.
var errOverlong = errors.New("a line is too long")

// A lineReader reads lines of a bounded length. Few lines are long: all readers
// of an attempt share one room for those.
type lineReader struct {
	*bufio.Reader
	most int64         // of a long line
	room chan struct{} // has one place, for who reads a long line

	fifo    bool     // nobody waits for answers
	members []member // of the last line, to be used again

	long   bool   // the place is taken
	buffer []byte // of a line that Reader's own buffer does not hold
}

func newLineReader(r io.Reader, most int64, room chan struct{}) *lineReader {
	return &lineReader{Reader: bufio.NewReaderSize(r, 4<<10), most: most, room: room}
}

// next reads a line, without its end. It is valid until the next call. The last
// line need not have an end; after that the error is io.EOF.
func (l *lineReader) next(ctx context.Context) ([]byte, error) {
	l.release()
	for {
		part, err := l.ReadSlice('\n')
		if err == nil && len(l.buffer) == 0 {
			return part[:len(part)-1], nil
		}
		if tooLong := l.add(ctx, part); tooLong != nil {
			return l.buffer, tooLong
		}
		switch {
		case err == nil:
			return l.buffer[:len(l.buffer)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
		case len(l.buffer) > 0:
			return l.buffer, nil
		default:
			return nil, err
		}
	}
}

// add adds part of a line to the buffer.
func (l *lineReader) add(ctx context.Context, part []byte) error {
	size := int64(len(l.buffer) + len(part))
	switch {
	case size > max(l.most, abi.LineBytes):
		return errOverlong
	case size > abi.LineBytes && !l.long:
		select {
		case l.room <- struct{}{}:
			l.long = true
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	l.buffer = append(l.buffer, part...)
	return nil
}

// release gives back what the last line took.
func (l *lineReader) release() {
	if l.long {
		l.long, l.buffer = false, nil
		<-l.room
	}
	if l.buffer = l.buffer[:0]; cap(l.buffer) > keptBytes {
		l.buffer = nil
	}
}

// skipLine reads up to the end of a line that is too long.
func (l *lineReader) skipLine() error {
	l.release()
	for {
		_, err := l.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
