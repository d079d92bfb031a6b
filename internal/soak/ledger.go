package soak

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What workers write down.
const (
	begun  = "begun"  // a function is called
	stale  = "stale"  // a commit came too late, and was discarded
	fenced = "fenced" // an attempt was ended as its activation has gone on without it
	late   = "late"   // an attempt was ended before its lease was
)

// ledger is where a worker writes down what it does: a file of its own, to which each
// line is appended at once, so that it survives the process.
type ledger struct{ file *os.File }

func newLedger(dir, worker string) (*ledger, error) {
	name := filepath.Join(dir, fmt.Sprintf("%s.%d", worker, os.Getpid()))
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &ledger{f}, nil
}

func (l *ledger) write(what, run, activation string, attempt int) error {
	_, err := fmt.Fprintf(l.file, "%s\t%s\t%s\t%d\t%d\n", what, run, activation, attempt, time.Now().UnixNano())
	return err
}

// try is one attempt of an activation.
type try struct {
	run, activation string
	attempt         int
}

// execution is one time that a function was called for a try.
type execution struct {
	worker string
	at     time.Time
}

// deeds are what all workers have written down.
type deeds struct {
	executed map[try][]execution
	counts   map[string]int // by what
}

func readLedgers(dir string) (*deeds, error) {
	all := &deeds{executed: map[try][]execution{}, counts: map[string]int{}}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		worker, _, _ := strings.Cut(f.Name(), ".")
		if err := all.read(filepath.Join(dir, f.Name()), worker); err != nil {
			return nil, fmt.Errorf("read what %s wrote down: %w", worker, err)
		}
	}
	for _, times := range all.executed {
		slices.SortFunc(times, func(a, b execution) int { return a.at.Compare(b.at) })
	}
	return all, nil
}

func (d *deeds) read(name, worker string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		part := strings.Split(lines.Text(), "\t")
		if len(part) != 5 {
			return fmt.Errorf("line %q", lines.Text())
		}
		d.counts[part[0]]++
		if part[0] != begun {
			continue
		}
		attempt, err := strconv.Atoi(part[3])
		if err != nil {
			return err
		}
		at, err := strconv.ParseInt(part[4], 10, 64)
		if err != nil {
			return err
		}
		k := try{part[1], part[2], attempt}
		d.executed[k] = append(d.executed[k], execution{worker, time.Unix(0, at)})
	}
	return lines.Err()
}
