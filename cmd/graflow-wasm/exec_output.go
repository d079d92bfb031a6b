package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// execStreams are where what the code prints goes.
type execStreams struct {
	stdout, stderr *lineEnds
	printed        [2]bytes.Buffer // what was printed, for -o json
}

// streams are those of this process; for -o json what is printed is kept instead. The
// limit of log bytes bounds it.
func (o *execOptions) streams(std streams) *execStreams {
	s := &execStreams{}
	if o.format.value == "json" {
		s.stdout, s.stderr = &lineEnds{w: &s.printed[0]}, &lineEnds{w: &s.printed[1]}
		return s
	}
	s.stdout, s.stderr = &lineEnds{w: forEyes(std.out)}, &lineEnds{w: forEyes(std.err)}
	return s
}

// log writes a line of ctx.log, or a notice of the sandbox.
func (s *execStreams) log(level slog.Level, line string) {
	_ = s.stderr.end() // a stream that is broken ends the code where it prints
	fmt.Fprintf(s.stderr, "%s: %s\n", strings.ToLower(level.String()), line)
}

// lineEnds knows whether the last line that was written has ended.
type lineEnds struct {
	w    io.Writer
	open bool
}

// Write implements io.Writer.
func (l *lineEnds) Write(p []byte) (int, error) {
	n, err := l.w.Write(p)
	if n > 0 {
		l.open = p[n-1] != '\n'
	}
	return n, err
}

// end ends the last line.
func (l *lineEnds) end() error {
	if !l.open {
		return nil
	}
	_, err := l.Write([]byte("\n"))
	return err
}

// forEyes is a stream as it is, or if it is a terminal, safe to print foreign text to.
func forEyes(w io.Writer) io.Writer {
	if isTerminal(w) {
		return &printableWriter{w: w}
	}
	return w
}

// execResult is what `exec -o json` prints.
type execResult struct {
	Status   engine.Status   `json:"status"` // succeeded, failed, canceled
	Language script.Language `json:"language"`
	Value    json.RawMessage `json:"value"`
	Stdout   string          `json:"stdout"`
	Stderr   string          `json:"stderr"`
	Error    *execError      `json:"error,omitempty"`
	Files    []execFile      `json:"files"`
	Session  string          `json:"session,omitempty"`
	Ledger   wasmhost.Ledger `json:"ledger"`
}

// execError is how code failed.
type execError struct {
	Kind      string `json:"kind"`
	Type      string `json:"type,omitempty"`
	Message   string `json:"message"`
	File      string `json:"file,omitempty"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	Traceback string `json:"traceback,omitempty"`
}

// tell prints what the code came to.
func (o *execOptions) tell(std streams, out *execStreams, l script.Language, r script.Result, failure *script.Error, files []execFile) error {
	if o.format.value == "json" {
		return writeJSON(std.out, o.result(out, l, r, failure, files))
	}
	if failure != nil {
		o.tellFailure(std, out, failure)
		return nil
	}
	o.tellFiles(std, out, files)
	if string(r.Value) == "null" {
		return nil
	}
	if err := out.stdout.end(); err != nil { // the value is the last line, whatever came before
		return err
	}
	return writeOutput(std, r.Value, o.raw)
}

func (o *execOptions) result(out *execStreams, l script.Language, r script.Result, failure *script.Error, files []execFile) execResult {
	result := execResult{
		Status: engine.StatusSucceeded, Language: l, Value: r.Value, Files: files, Session: o.session.name, Ledger: r.Ledger,
		Stdout: strings.ToValidUTF8(out.printed[0].String(), "\ufffd"), Stderr: strings.ToValidUTF8(out.printed[1].String(), "\ufffd"),
	}
	if failure == nil {
		return result
	}
	result.Status, result.Value = engine.StatusFailed, json.RawMessage("null")
	if failure.Kind == wasmhost.KindCanceled && errors.Is(failure, context.Canceled) { // not by the code's own word
		result.Status = engine.StatusCanceled
	}
	result.Error = &execError{
		Kind: failure.Kind, Type: failure.Type, Message: failure.Message, File: failure.File,
		Line: failure.Line, Column: failure.Column, Traceback: failure.Traceback,
	}
	return result
}

// tellFailure prints the traceback, and the error in one line after it.
func (o *execOptions) tellFailure(std streams, out *execStreams, e *script.Error) {
	_ = errors.Join(out.stdout.end(), out.stderr.end()) // there is nobody to tell
	if e.Traceback != "" {
		fmt.Fprintln(std.err, printable(strings.TrimRight(e.Traceback, "\n")))
	}
	fmt.Fprintln(std.err, "error: "+oneLine(e.Error()))
	if hint := hintOf(e); hint != "" && !o.quiet {
		fmt.Fprintln(std.err, hint)
	}
}

// hintOf says what to do about a limit.
func hintOf(e *script.Error) string {
	for _, l := range []struct {
		err  error
		flag string
	}{
		{wasmhost.ErrTimeout, "timeout"},
		{wasmhost.ErrMemory, "memory"},
		{wasmhost.ErrFuel, "fuel"},
		{wasmhost.ErrStack, "stack"},
		{wasmhost.ErrHostCalls, "host-calls"},
		{wasmhost.ErrOutputTooLarge, "output-bytes"},
	} {
		if errors.Is(e, l.err) {
			return "Raise the limit with --" + l.flag + ", or give the code less to do"
		}
	}
	if codeOfExec(e) == exitLimit {
		return "Raise the limit with --memory, or give the code less to do"
	}
	return ""
}

// tellFiles says what has become of the files that the code left.
func (o *execOptions) tellFiles(std streams, out *execStreams, files []execFile) {
	if len(files) == 0 || o.quiet {
		return
	}
	_ = out.stderr.end() // there is nobody to tell
	if o.out == "" {
		fmt.Fprintf(std.err, "graflow-wasm: %s below /out not saved; give --out DIR\n", countOf(len(files), "file", "files"))
		return
	}
	fmt.Fprintf(std.err, "graflow-wasm: %s saved in %s\n", countOf(len(files), "file", "files"), o.out)
}
