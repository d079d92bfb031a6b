package embedded

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
)

// logger takes the server's log lines. The server cannot go on after a fatal one,
// and has no other way to say why.
//
// The server has it until it is shut down, and it has the directory's lock: a file
// that nobody refers to is closed, and its lock is gone.
type logger struct {
	lock  io.Closer
	log   *slog.Logger
	fatal atomic.Pointer[string] // the first

	broken chan struct{} // closed at the first write that failed
	once   sync.Once     // of closing it
	why    string        // set before it is closed
}

func newLogger(lock io.Closer, log *slog.Logger) *logger {
	return &logger{lock: lock, log: log, broken: make(chan struct{})}
}

// failedWrite is in what the server tells of a write to its disk that failed. It
// refuses all that follow in the same stream, silently, until it is started again.
const failedWrite = "ritical write error: "

// err is the fatal error that was told, if any was.
func (l *logger) err() error {
	if text := l.fatal.Load(); text != nil {
		return fmt.Errorf("%s", *text)
	}
	return nil
}

func (l *logger) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	if !l.fatal.CompareAndSwap(nil, &text) {
		l.log.Error("nats-server", "said", text)
	}
}

func (l *logger) Errorf(format string, v ...any) {
	if text := fmt.Sprintf(format, v...); strings.Contains(text, failedWrite) {
		l.once.Do(func() {
			_, l.why, _ = strings.Cut(text, failedWrite)
			close(l.broken)
		})
	}
	l.tell(slog.LevelError, format, v)
}

func (l *logger) Warnf(format string, v ...any)   { l.tell(slog.LevelWarn, format, v) }
func (l *logger) Noticef(format string, v ...any) { l.tell(slog.LevelDebug, format, v) }
func (l *logger) Debugf(string, ...any)           {}
func (l *logger) Tracef(string, ...any)           {}

func (l *logger) tell(level slog.Level, format string, v []any) {
	if l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, "nats-server", "said", fmt.Sprintf(format, v...))
	}
}
