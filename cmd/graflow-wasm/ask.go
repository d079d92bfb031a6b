package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// canAsk tells whether there is somebody at a terminal.
func (d *driving) canAsk() bool {
	return d.job.asks && isTerminal(d.std.in) && isTerminal(d.std.err)
}

// ask has the pause answered at the terminal. It reports whether to look again:
// false is the end of the input.
func (d *driving) ask(w engine.Waiting) bool {
	if d.lines == nil {
		d.lines = linesOf(d.std.in)
	}
	d.watch.Suspend()
	fmt.Fprintf(d.std.err, "%s\n", printable(sayWaiting(w)))
	for {
		fmt.Fprintf(d.std.err, "%s> ", oneLine(w.Name))
		select {
		case <-d.changed: // answered from elsewhere, or its time is over
			fmt.Fprintln(d.std.err)
			return true
		case <-d.running.Done():
			fmt.Fprintln(d.std.err)
			return true
		case text, more := <-d.lines:
			if !more {
				fmt.Fprintln(d.std.err)
				return false
			}
			if strings.TrimSpace(text) == "" {
				continue
			}
			err := answerText(d.running, w.Activation, text)
			if !errors.Is(err, engine.ErrInvalidAnswer) {
				return true // taken, or another was first
			}
			d.say("%v", err)
		}
	}
}

// linesOf reads lines until the end, which closes the channel. A read of a
// terminal can't be called off: the goroutine may outlive the run, and ends with
// the process.
func linesOf(r io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(r); in.Scan(); {
			lines <- in.Text()
		}
	}()
	return lines
}

// resumer is a run that takes answers.
type resumer interface {
	Resume(name string, answer json.RawMessage) error
}

// answerText gives what somebody has typed as the answer: as JSON if it is some
// and fits, else as text.
func answerText(run resumer, activation, text string) error {
	text = strings.TrimSpace(text)
	var err error
	if json.Valid([]byte(text)) {
		if err = run.Resume(activation, json.RawMessage(text)); !errors.Is(err, engine.ErrInvalidAnswer) {
			return err
		}
	}
	quoted, quoteErr := json.Marshal(text)
	if quoteErr != nil {
		return quoteErr
	}
	if textErr := run.Resume(activation, quoted); !errors.Is(textErr, engine.ErrInvalidAnswer) || err == nil {
		return textErr
	}
	return err // of what it looks like
}
