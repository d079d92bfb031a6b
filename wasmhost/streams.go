package wasmhost

import (
	"fmt"
	"io"
	"time"
)

// stream is what takes a guest's stdout or stderr: the log, or a writer of the
// embedder's.
func (a *attempt) stream(name string, to io.Writer) io.Writer {
	if to == nil {
		return &a.lines
	}
	return &stream{a: a, name: name, to: to}
}

// stream hands on what a task prints. What its initialization printed is no part
// of that: with a snapshot nobody would see it again.
type stream struct {
	a    *attempt
	name string
	to   io.Writer
}

func (s *stream) Write(b []byte) (int, error) {
	const long = time.Millisecond
	a := s.a
	if !a.begun {
		return a.lines.Write(b)
	}
	start := time.Now()
	if err := a.lines.Pass(s.to, b); err != nil {
		a.stop(KindError, fmt.Sprintf("%s: %v", s.name, err), err)
	}
	a.tardy = time.Since(start) > long
	return len(b), nil
}
