package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Line is one line of a file: one of its fields is set.
type Line struct {
	Machine  *Machine  `json:"machine,omitempty"`
	Measured *Measured `json:"measured,omitempty"`
	Missing  *Missing  `json:"missing,omitempty"`
}

// Measured is what one contender did in one turn. Times are in nanoseconds.
type Measured struct {
	Part     string `json:"part"` // "sandbox" or "queue"
	Case     string `json:"case"`
	Who      string `json:"who"`
	Version  string `json:"version,omitempty"`
	Settings string `json:"settings,omitempty"` // that are not its defaults
	// Class is how durable it is, Durability what makes it so, Loses what a loss of
	// power takes of what it has answered for. "" where nothing is kept anyway.
	Class      string `json:"class,omitempty"`
	Durability string `json:"durability,omitempty"`
	Loses      string `json:"loses,omitempty"`

	Round   int `json:"round"` // from 1 on
	Callers int `json:"callers,omitempty"`
	Workers int `json:"workers,omitempty"`
	// Tasks were done in Took; the others are of the time that each took, 0 where
	// only all of them together were measured.
	Tasks int           `json:"tasks"`
	Took  time.Duration `json:"took"`
	Min   time.Duration `json:"min,omitempty"`
	P50   time.Duration `json:"p50,omitempty"`
	P99   time.Duration `json:"p99,omitempty"`
	Max   time.Duration `json:"max,omitempty"`
	Again int           `json:"again,omitempty"` // executions beyond one of each task
}

// Missing is a contender that was not measured.
type Missing struct {
	Part  string `json:"part"`
	Who   string `json:"who"`
	Class string `json:"class,omitempty"`
	Case  string `json:"case,omitempty"` // "": no case of it
	Why   string `json:"why"`
}

// Writer writes lines. It is not safe for concurrent use.
type Writer struct{ To io.Writer }

// Write adds one line, and never part of one.
func (w Writer) Write(l Line) error {
	data, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("write a record: %w", err)
	}
	if _, err := w.To.Write(append(data, '\n')); err != nil {
		return fmt.Errorf("write a record: %w", err)
	}
	return nil
}

// Read reads the lines of one file. What it doesn't know is an error that names the
// line: a figure that is dropped silently is worse than none.
func Read(from io.Reader) ([]Line, error) {
	var lines []Line
	scanner := bufio.NewScanner(from)
	for n := 1; scanner.Scan(); n++ {
		if len(bytes.TrimSpace(scanner.Bytes())) == 0 {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(scanner.Bytes()))
		decoder.DisallowUnknownFields()
		var l Line
		if err := decoder.Decode(&l); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if err := l.check(); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		lines = append(lines, l)
	}
	return lines, scanner.Err()
}

// check holds a line to what every reader counts on.
func (l Line) check() error {
	m := l.Measured
	switch {
	case m == nil && l.Machine == nil && l.Missing == nil:
		return errors.New("neither machine nor measured nor missing")
	case m == nil:
		return nil
	case m.Part == "" || m.Case == "" || m.Who == "" || m.Round < 1:
		return errors.New("a measurement without part, case, who or round")
	case m.Tasks < 1 || m.Took <= 0:
		return fmt.Errorf("%s: %d tasks in %v", m.Who, m.Tasks, m.Took)
	case m.Min > m.P50 || m.P50 > m.P99 || m.P99 > m.Max:
		return fmt.Errorf("%s: min, p50, p99 and max are not in order", m.Who)
	}
	return nil
}

// ReadDir reads all .txt files of a directory, by their names.
func ReadDir(dir string) ([]Line, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var all []Line
	for _, name := range files {
		lines, err := readFile(name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", filepath.Base(name), err)
		}
		all = append(all, lines...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no records in %s: measure first (make bench-peers)", dir)
	}
	return all, nil
}

func readFile(name string) ([]Line, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	return Read(f)
}
