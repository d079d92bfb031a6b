package docker

import (
	"bytes"
	"fmt"
	"log/slog"
	"sync"

	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
	"github.com/graflow/graflow-wasm/internal/linelog"
)

// taskLog is where all lines of an attempt go: those of its streams and those that
// it asks the engine to log. It is safe for concurrent use.
type taskLog struct {
	mu  sync.Mutex
	log linelog.Log
}

func newTaskLog(most int64, sink func(slog.Level, string)) *taskLog {
	return &taskLog{log: linelog.Log{Most: most, Sink: sink}}
}

func (l *taskLog) add(level slog.Level, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log.Add(level, []byte(text))
}

func (l *taskLog) logged() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.Logged()
}

// lastLine is the last one that says something; "" is none.
func (l *taskLog) lastLine() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last := l.log.Last(); len(last) > 0 {
		return last[len(last)-1]
	}
	return ""
}

// maxLine is the length in bytes from which on a line is logged in parts.
const maxLine = 16 << 10

// lineWriter logs what is written to it, line by line. One goroutine writes.
type lineWriter struct {
	log     *taskLog
	partial []byte
}

// Write implements io.Writer. It never fails: what is too much is dropped.
func (w *lineWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		line, after, complete := bytes.Cut(rest, []byte("\n"))
		if room := maxLine - len(w.partial); len(line) > room {
			line, after, complete = rest[:room], rest[room:], true
		}
		w.partial = append(w.partial, line...)
		if complete {
			w.log.add(slog.LevelInfo, string(w.partial))
			w.partial = w.partial[:0]
		}
		rest = after
	}
	return len(p), nil
}

// flush logs what stands without a newline.
func (w *lineWriter) flush() {
	if len(w.partial) > 0 {
		w.log.add(slog.LevelInfo, string(w.partial))
		w.partial = nil
	}
}

// resultWriter keeps what is to be the result, up to a limit, past which it ends the
// attempt. One goroutine writes.
type resultWriter struct {
	most int64
	stop func(error)
	kept []byte
	over bool
}

// Write implements io.Writer. It never fails, so that what else comes is read too.
func (w *resultWriter) Write(p []byte) (int, error) {
	if w.over {
		return len(p), nil
	}
	if int64(len(w.kept)+len(p)) > w.most {
		w.over, w.kept = true, nil
		w.stop(tooLarge(w.most))
		return len(p), nil
	}
	w.kept = append(w.kept, p...)
	return len(p), nil
}

func tooLarge(most int64) error {
	return &lines.LimitError{Kind: KindOutput, Message: fmt.Sprintf("the result on stdout exceeds %d bytes (limits.output_bytes)", most)}
}
