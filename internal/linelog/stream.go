package linelog

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
)

// keptBytes is how much of what passed by is kept to explain a failure.
const keptBytes = 16 << 10

// Pass hands b to a writer as it is, instead of making lines of it. It counts
// against the same limit as lines do: what exceeds it is dropped, with the notice
// in the log. The error is the writer's.
func (l *Log) Pass(to io.Writer, b []byte) error {
	if l.cut || len(b) == 0 {
		return nil
	}
	room := b[:min(int64(len(b)), l.left())]
	l.logged += int64(len(room))
	l.remember(room)
	if len(room) < len(b) {
		l.exceed()
	}
	if len(room) == 0 {
		return nil
	}
	n, err := to.Write(room)
	if err == nil && n < len(room) {
		err = io.ErrShortWrite
	}
	return err
}

// exceed gives the one notice.
func (l *Log) exceed() {
	l.cut = true
	l.pass(slog.LevelWarn, fmt.Sprintf("the log exceeds %d bytes: the rest is dropped", l.Most))
}

func (l *Log) remember(b []byte) {
	b = b[max(0, len(b)-keptBytes):]
	if len(l.passed)+len(b) > 2*keptBytes {
		l.passed = append(l.passed[:0], l.passed[len(l.passed)-keptBytes:]...)
	}
	l.passed = append(l.passed, b...)
}

// passedLines are the last lines of what passed by.
func (l *Log) passedLines() []string {
	var lines []string
	for line := range bytes.SplitSeq(bytes.TrimRight(l.passed, "\n"), []byte("\n")) {
		lines = append(lines, string(bytes.ToValidUTF8(line, []byte("\uFFFD"))))
	}
	return lines[max(0, len(lines)-keptLines):]
}
