// Package linelog hands on what a program prints, line by line, up to a limit, and
// keeps its last lines to explain a failure.
package linelog

import (
	"bytes"
	"log/slog"
	"strings"
)

// keptLines is how many of the last lines are kept to explain a failure.
const keptLines = 64

// Log hands lines on up to a limit. It is not safe for concurrent use.
type Log struct {
	Sink func(slog.Level, string) // may be nil; it gets valid UTF-8
	Most int64                    // bytes; the end of a line counts as one

	logged  int64 // bytes of lines
	lines   int64
	cut     bool   // the notice was given
	partial []byte // of stderr, without its newline yet
	last    []string
	passed  []byte // the end of what Pass handed on
}

// Write takes text as it comes, at level info: complete lines go on at once. It
// never fails.
func (l *Log) Write(b []byte) (int, error) {
	rest := b
	for len(rest) > 0 {
		line, after, complete := bytes.Cut(rest, []byte("\n"))
		// What is over the limit is dropped anyway; don't hold it.
		room := max(0, l.left()-int64(len(l.partial))+1)
		l.partial = append(l.partial, line[:min(int64(len(line)), room)]...)
		if complete {
			l.Flush()
		}
		rest = after
	}
	return len(b), nil
}

// Flush logs what was written and stands without a newline.
func (l *Log) Flush() {
	if len(l.partial) == 0 {
		return
	}
	line := l.partial
	l.partial = l.partial[:0]
	l.emit(slog.LevelInfo, line)
}

// Add logs text at a level, each of its lines by itself.
func (l *Log) Add(level slog.Level, text []byte) {
	for line := range bytes.SplitSeq(bytes.TrimRight(text, "\n"), []byte("\n")) {
		if l.cut {
			return
		}
		l.emit(level, line)
	}
}

func (l *Log) emit(level slog.Level, raw []byte) {
	if l.cut {
		return
	}
	over := int64(len(raw)) >= l.left()
	if over {
		raw = raw[:min(int64(len(raw)), l.left())]
	}
	l.logged += int64(len(raw))
	l.lines++
	line := strings.ToValidUTF8(string(raw), "\uFFFD")
	if !over || line != "" {
		l.pass(level, line)
	}
	if over {
		l.exceed()
	}
}

// left is the room for further bytes. The end of a line counts as one.
func (l *Log) left() int64 { return max(0, l.Most-l.logged-l.lines) }

func (l *Log) pass(level slog.Level, line string) {
	if len(l.last) == keptLines {
		l.last = l.last[1:]
	}
	l.last = append(l.last, line)
	if l.Sink != nil {
		l.Sink(level, line)
	}
}

// Logged is how many bytes were handed on, ends of lines aside.
func (l *Log) Logged() int64 { return l.logged }

// Last are the last lines, up to 64 of them; those that passed by unlogged, if any
// did.
func (l *Log) Last() []string {
	if len(l.passed) > 0 {
		return l.passedLines()
	}
	return l.last
}
