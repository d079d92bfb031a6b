package wasmhost

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
)

// keptLines is how many of the last lines are kept to explain a failure.
const keptLines = 64

// lineLog hands a guest's log and stderr on, line by line, up to a limit.
type lineLog struct {
	sink    func(slog.Level, string) // may be nil
	most    int64                    // bytes
	logged  int64                    // bytes of lines
	lines   int64
	cut     bool   // the notice was given
	partial []byte // of stderr, without its newline yet
	last    []string
}

// Write takes stderr (and a reactor's stdout): complete lines go on at once.
func (l *lineLog) Write(b []byte) (int, error) {
	rest := b
	for len(rest) > 0 {
		line, after, complete := bytes.Cut(rest, []byte("\n"))
		// What is over the limit is dropped anyway; don't hold it.
		room := max(0, l.left()-int64(len(l.partial))+1)
		l.partial = append(l.partial, line[:min(int64(len(line)), room)]...)
		if complete {
			l.flush()
		}
		rest = after
	}
	return len(b), nil
}

// flush logs what stands without a newline.
func (l *lineLog) flush() {
	if len(l.partial) == 0 {
		return
	}
	line := l.partial
	l.partial = l.partial[:0]
	l.emit(slog.LevelInfo, line)
}

// add logs text at a level, each of its lines by itself.
func (l *lineLog) add(level slog.Level, text []byte) {
	for line := range bytes.SplitSeq(bytes.TrimRight(text, "\n"), []byte("\n")) {
		if l.cut {
			return
		}
		l.emit(level, line)
	}
}

func (l *lineLog) emit(level slog.Level, raw []byte) {
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
		l.cut = true
		l.pass(slog.LevelWarn, fmt.Sprintf("the log exceeds %d bytes: the rest is dropped", l.most))
	}
}

// left is the room for further bytes. The end of a line counts as one.
func (l *lineLog) left() int64 { return max(0, l.most-l.logged-l.lines) }

func (l *lineLog) pass(level slog.Level, line string) {
	if len(l.last) == keptLines {
		l.last = l.last[1:]
	}
	l.last = append(l.last, line)
	if l.sink != nil {
		l.sink(level, line)
	}
}

// diagnosis is the line that tells best why a guest exited: a Go guest's panic,
// or else the last line. With a Go panic come its functions, innermost first.
func (l *lineLog) diagnosis() (line string, stack []string) {
	for i, s := range l.last {
		if strings.HasPrefix(s, "panic: ") || strings.HasPrefix(s, "fatal error: ") {
			return s, goFrames(l.last[i:])
		}
	}
	if len(l.last) == 0 {
		return "", nil
	}
	return l.last[len(l.last)-1], nil
}

// goFrames reads the functions of the first goroutine in a Go traceback.
func goFrames(lines []string) []string {
	var frames []string
	inside := false
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "goroutine "):
			if inside {
				return frames
			}
			inside = true
		case inside && line != "" && !strings.HasPrefix(line, "\t"):
			if cut := strings.LastIndexByte(line, '('); cut > 0 {
				frames = append(frames, line[:cut])
			}
		}
	}
	return frames
}
