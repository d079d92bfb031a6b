//go:build !wasip1

package sdk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

var (
	offersMu sync.Mutex // guards offers
	offers   = map[string]func(*Context) error{}
)

// offer lets Main run a task.
func offer(name string, attempt func(*Context) error) {
	offersMu.Lock()
	defer offersMu.Unlock()
	offers[name] = attempt
}

// Main runs one task and exits. It is the body of a guest's main, so that one
// source makes a module and a container's program; in WebAssembly Main returns at
// once. The task is the one named by the environment's GRAFLOW_EXPORT, else by
// the first argument, else the only one there is.
//
// In a container it runs on the engine's host, over the socket that
// GRAFLOW_SOCKET names, and exits with 0, or 1 after it told the host why the
// task failed. What else goes wrong is on stderr. [Context.Pause] without an
// answer exits with 75, and deferred calls do not run. Build the program with
// CGO_ENABLED=0 for images without a C library.
//
// Elsewhere, as with
//
//	go run . hello '{"name":"Ada"}'
//
// it runs on an empty [Local], to try a task: the input is the second argument,
// else JSON on stdin unless that is a terminal, else null. The result goes to
// stdout, the log and what the task asked for to stderr, and nothing of it is
// kept. Exit codes are the same; 2 says that there is no such task.
func Main() {
	os.Exit(program{args: os.Args[1:], environ: os.Getenv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}.run())
}

// A program is what Main works with.
type program struct {
	args           []string
	environ        func(string) string
	stdin          *os.File
	stdout, stderr io.Writer
}

const exitUsage = 2

func (p program) run() int {
	name, rest := p.environ(abi.EnvExport), p.args
	if name == "" && len(p.args) > 0 {
		name, rest = p.args[0], p.args[1:]
	}
	attempt, err := find(name)
	if err != nil {
		fmt.Fprintln(p.stderr, err)
		return exitUsage
	}
	if path := p.environ(abi.EnvSocket); path != "" {
		return p.serve(path, attempt)
	}
	return p.try(attempt, rest)
}

// find is the task of a name, or the only one.
func find(name string) (func(*Context) error, error) {
	offersMu.Lock()
	defer offersMu.Unlock()
	names := slices.Sorted(maps.Keys(offers))
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	attempt, found := offers[name]
	switch {
	case found:
		return attempt, nil
	case name == "":
		return nil, fmt.Errorf("which task? name one of %q as the first argument or in %s", names, abi.EnvExport)
	}
	return nil, fmt.Errorf("there is no task %q, only %q", name, names)
}

// serve runs a task on the host of its container.
func (p program) serve(path string, attempt func(*Context) error) int {
	c := dial(path)
	code := int(runOn(c, attempt))
	if err := c.broken(); err != nil {
		fmt.Fprintln(p.stderr, err)
		return 1
	}
	c.close()
	return code
}

// try runs a task without a host.
func (p program) try(attempt func(*Context) error, args []string) int {
	in, err := p.input(args)
	if err != nil {
		fmt.Fprintln(p.stderr, err)
		return exitUsage
	}
	l := NewLocal(LocalConfig{})
	l.begin(in)
	code := int(runOn(console{l, p.stderr}, attempt))
	paused := l.paused()
	e := l.Effects()
	p.asked(e, l.Channel())
	switch {
	case paused:
		return abi.ExitPaused
	case e.Failure != nil:
		fmt.Fprintf(p.stderr, "%s: %s\n", e.Failure.Kind, e.Failure.Message)
	default:
		fmt.Fprintf(p.stdout, "%s\n", l.written())
	}
	return code
}

// input is what a task is tried with.
func (p program) input(args []string) ([]byte, error) {
	if len(args) > 1 {
		return nil, fmt.Errorf("%d arguments: want a task and its input, as JSON", len(args)+1)
	}
	if len(args) == 1 {
		return []byte(args[0]), nil
	}
	info, err := p.stdin.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice != 0 {
		return nil, nil // nothing, or somebody who would wonder what is waited for
	}
	data, err := io.ReadAll(p.stdin)
	if err != nil {
		return nil, fmt.Errorf("read the input: %w", err)
	}
	return bytes.TrimSpace(data), nil
}

// asked tells what a task that was tried wanted of its run.
func (p program) asked(e Effects, channel map[string]json.RawMessage) {
	say := func(format string, args ...any) { fmt.Fprintf(p.stderr, format+"\n", args...) }
	for _, key := range slices.Sorted(maps.Keys(channel)) {
		say("channel: %s = %s", key, channel[key])
	}
	for _, next := range e.Next {
		say("next task: %s", next.ID)
	}
	if e.Iterates {
		say("next iteration: %s", e.Iteration)
	}
	for _, c := range e.Checkpoints {
		say("checkpoint: %s", strings.TrimSpace(c.Name+" "+string(c.Meta)))
	}
	if e.Terminated != nil {
		say("terminate: %s", *e.Terminated)
	}
	if e.Canceled != nil {
		say("cancel: %s", *e.Canceled)
	}
	if e.Paused != nil {
		say("paused: %s", strings.TrimSpace(e.Paused.Name+" "+e.Paused.Message))
	}
}

// A console is a Local that shows the log as it comes.
type console struct {
	*Local
	to io.Writer
}

func (c console) log(level int32, line string) {
	fmt.Fprintf(c.to, "%s %s\n", slog.Level(level), line)
}

func (c console) progress(done, total float64, note string) {
	fmt.Fprintf(c.to, "progress %v/%v %s\n", done, total, note)
}
