package mcp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
	protocol "github.com/modelcontextprotocol/go-sdk/mcp"
)

// runCode is the tool run_code.
func (s *Server) runCode(ctx context.Context, c *call) *protocol.CallToolResult {
	a, err := readArguments(c.request.Params.Arguments, s.config.Languages)
	if err != nil {
		return refused("invalid_args", err)
	}
	language := script.Language(a.Language)
	var kept *cell
	if a.Session != "" {
		kept, err = s.cells.take(ctx, cellKey{client: c.client, name: a.Session, interpreter: interpreterOf(language)})
		if err != nil {
			return refusedBy(err)
		}
	}
	o, files := s.runIn(ctx, c, a, language, kept)
	if kept != nil {
		o.Session.Bytes, o.Session.Kept = s.cells.put(kept)
	}
	return o.result(files)
}

// interpreterOf tells which languages share sessions.
func interpreterOf(l script.Language) string {
	if l == script.TypeScript {
		l = script.JavaScript
	}
	return string(l)
}

// runIn runs code once it is its turn.
func (s *Server) runIn(ctx context.Context, c *call, a *arguments, l script.Language, kept *cell) (*outcome, []script.File) {
	o := &outcome{}
	if kept != nil {
		o.Session = &sessionOutcome{Name: a.Session, New: kept.session.Language() == ""}
	}
	release, err := s.slots.take(ctx)
	if err != nil {
		o.Error = failureOf(err)
		return o, nil
	}
	defer release()
	var out printed
	result, err := s.config.Sandbox.Run(ctx, l, *a.Code, s.options(c, a, kept, &out))
	o.Value, o.Usage = result.Value, usageOf(result.Ledger)
	o.Stdout, o.Stderr = text(&out.stdout), text(&out.stderr)
	if err != nil {
		o.Error = failureOf(err)
	}
	return o, result.Files
}

// options are what a run is given.
func (s *Server) options(c *call, a *arguments, kept *cell, out *printed) script.Options {
	options := script.Options{
		Files: a.files(), FilesOut: []string{"**"}, Limits: s.config.Limits, Grants: s.grants(),
		Stdout: io.MultiWriter(&out.stdout, c.progress), Stderr: io.MultiWriter(&out.stderr, c.progress),
	}
	options.Limits.Timeout = a.limit(s.config.Limits.Timeout)
	if len(a.Input) > 0 {
		options.Input = a.Input
	}
	if kept != nil {
		options.Session = kept.session
	}
	options.Services.Log = func(level slog.Level, line string) {
		out.log(level, line)
		_, _ = fmt.Fprintln(c.progress, line) // it can't fail
	}
	options.Services.Progress = c.progress.step
	return options
}

// printed is what code printed. The limit of log bytes bounds it.
type printed struct{ stdout, stderr bytes.Buffer }

// log takes a line of ctx.log, or a notice of the sandbox.
func (p *printed) log(level slog.Level, line string) {
	if b := p.stderr.Bytes(); len(b) > 0 && b[len(b)-1] != '\n' {
		p.stderr.WriteByte('\n')
	}
	fmt.Fprintf(&p.stderr, "%s: %s\n", strings.ToLower(level.String()), line)
}

func text(b *bytes.Buffer) string { return strings.ToValidUTF8(b.String(), "\ufffd") }

// failureOf tells a failure of code, or why it was not run.
func failureOf(err error) *failure {
	e, ofCode := errors.AsType[*script.Error](err)
	if ofCode {
		return &failure{
			Kind: e.Kind, Type: e.Type, Message: e.Message, File: e.File, Line: e.Line, Column: e.Column, Traceback: e.Traceback,
		}
	}
	kind := "invalid_args" // a name of a file, an input that is too deep
	switch {
	case errors.Is(err, script.ErrSession):
		kind = "session" // what the code left is too large to be kept
	case errors.Is(err, errBusy):
		kind = "busy"
	case errors.Is(err, errClosing), errors.Is(err, wasmhost.ErrClosed):
		kind = "closing"
	case errors.Is(err, context.Canceled), errors.Is(err, errGone):
		kind = wasmhost.KindCanceled
	}
	return &failure{Kind: kind, Message: err.Error()}
}
