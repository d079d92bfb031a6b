package client

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxEvent bounds one event of a stream, in bytes: a notice may hold a value that is as
// large as a task's output may be.
const maxEvent = 128 << 20

// events reads server-sent events, as in the HTML standard, section 9.2.
type events struct{ in *bufio.Reader }

func newEvents(r io.Reader) *events { return &events{bufio.NewReaderSize(r, 64<<10)} }

// event is one of them.
type event struct {
	name  string // "" is message
	id    string
	hasID bool
	data  []byte
}

// next is the next event that has data. The error is io.EOF at the end, also where it
// comes in the midst of an event, which is dropped then.
func (s *events) next() (event, error) {
	var e event
	for size, some := 0, false; ; {
		line, err := s.line(maxEvent - size)
		if err != nil {
			return event{}, err
		}
		size += len(line)
		if len(line) == 0 {
			if some {
				e.data = bytes.TrimSuffix(e.data, []byte("\n"))
				return e, nil
			}
			e, size = event{}, 0
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "data":
			e.data = append(append(e.data, value...), '\n')
			some = true
		case "event":
			e.name = string(value)
		case "id":
			if !bytes.ContainsRune(value, 0) {
				e.id, e.hasID = string(value), true
			}
		}
	}
}

// line is the next line without its end, of at most so many bytes.
func (s *events) line(most int) ([]byte, error) {
	var line []byte
	for {
		part, err := s.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > most+1:
			return nil, fmt.Errorf("an event of the stream has more than %d bytes", maxEvent)
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil:
			return nil, err
		default:
			return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
		}
	}
}
