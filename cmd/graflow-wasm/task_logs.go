package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// logSize is the size in bytes from which on the log of a run goes on in another
// file; the one before it is kept, too.
const logSize = 8 << 20

// logLine is one line that a task logged.
type logLine struct {
	Time       time.Time `json:"time"`
	Level      string    `json:"level"`
	Task       string    `json:"task"`
	Activation string    `json:"activation"`
	Attempt    int       `json:"attempt"`
	Worker     string    `json:"worker,omitempty"` // where several processes could have logged it
	Message    string    `json:"message"`
}

// lineOf is the line that a notice tells.
func lineOf(n engine.Notice) logLine {
	return logLine{Time: n.Time, Level: n.Level, Task: n.Task, Activation: n.Activation, Attempt: n.Attempt, Worker: n.Worker, Message: n.Message}
}

// taskLogs keeps what tasks log beside the state of their runs: it is for eyes,
// and no part of a run's journal. Lines come as handlers let them out, without
// the values of secrets.
type taskLogs struct {
	dir string

	mu    sync.Mutex // guards what follows
	files map[string]*logFile
	told  bool // of a fault
}

type logFile struct {
	file *os.File
	size int64
}

func newTaskLogs(state string) *taskLogs {
	return &taskLogs{dir: logsDir(state), files: map[string]*logFile{}}
}

func logsDir(state string) string { return filepath.Join(state, "logs") }

// logNames are the files with the log of a run, the older one first.
func logNames(state, run string) (older, name string) {
	base := filepath.Join(logsDir(state), logName(run))
	return base + ".1.jsonl", base + ".jsonl"
}

// logName makes a file name of a run's id: all but letters, digits, _ and - is
// %XX. Where file names know no case, ids that differ in nothing else share a log.
func logName(run string) string {
	var b strings.Builder
	for _, c := range []byte(run) {
		if c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// removeLogs drops the log of a run, and what is beside it.
func removeLogs(state, run string) error {
	older, name := logNames(state, run)
	var errs []error
	for _, f := range []string{older, name, summaryName(state, run)} {
		if err := os.Remove(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Observe takes a notice.
func (l *taskLogs) Observe(n engine.Notice) {
	if n.Type != engine.NoticeTaskLog && n.Type != engine.NoticeRunFinished {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if n.Type == engine.NoticeRunFinished {
		l.close(n.Run)
		return
	}
	if err := l.write(n.Run, lineOf(n)); err != nil && !l.told {
		l.told = true
		slog.Default().Warn("keep the log of a task", "run", n.Run, "err", err)
	}
}

func (l *taskLogs) write(run string, line logLine) error {
	raw, err := json.Marshal(line)
	if err != nil {
		return err
	}
	f, err := l.open(run)
	if err != nil {
		return err
	}
	n, err := f.file.Write(append(raw, '\n'))
	if f.size += int64(n); err == nil && f.size >= logSize {
		l.close(run)
		older, name := logNames(filepath.Dir(l.dir), run)
		err = os.Rename(name, older)
	}
	return err
}

func (l *taskLogs) open(run string) (*logFile, error) {
	if f := l.files[run]; f != nil {
		return f, nil
	}
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return nil, err
	}
	_, name := logNames(filepath.Dir(l.dir), run)
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	l.files[run] = &logFile{file, info.Size()}
	return l.files[run], nil
}

func (l *taskLogs) close(run string) {
	if f := l.files[run]; f != nil {
		_ = f.file.Close() // each line was written as it came
		delete(l.files, run)
	}
}

// Close ends it.
func (l *taskLogs) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for run := range l.files {
		l.close(run)
	}
}
