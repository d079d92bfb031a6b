package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Exit codes, as documented in the command line's reference.
const (
	exitSucceeded   = 0
	exitFailed      = 1
	exitUsage       = 2
	exitCanceled    = 3
	exitPaused      = 4
	exitLimit       = 5
	exitUnreachable = 6
)

// exitError is an error that ends the command with a code. Without an Err it
// ends it silently: all has been said.
type exitError struct {
	Code int
	Err  error
}

// Error implements error.
func (e *exitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap returns what is to be said.
func (e *exitError) Unwrap() error { return e.Err }

// usage marks err as bad usage or invalid input.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{Code: exitUsage, Err: err}
}

// usagef is [usage] with fmt.Errorf.
func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// report prints err to w, unless it is silent, and returns its exit code.
func report(w io.Writer, err error) int {
	var e *exitError
	if err == nil {
		return exitSucceeded
	}
	if !errors.As(err, &e) {
		e = &exitError{Code: exitFailed, Err: err}
		switch {
		case errors.Is(err, natsbus.ErrDenied): // other credentials are to be given
			e.Code = exitUsage
		case errors.Is(err, natsbus.ErrUnreachable):
			e.Code = exitUnreachable
		default:
			if told := refusedRemote(err); told != nil {
				err = told
				errors.As(told, &e)
			}
		}
	}
	if e.Err != nil {
		text := strings.TrimPrefix(strings.TrimRight(err.Error(), "\n"), "graflow-wasm: ")
		if noSpace(err) && !strings.Contains(text, "\n") { // where nothing else is to be done
			text += "\nFree space there, and do it again"
		}
		fmt.Fprintln(w, "graflow-wasm: "+text)
	}
	return e.Code
}

// noSpace tells whether a file system was full.
func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// limitKinds are the kinds of errors that say that a limit was reached.
var limitKinds = []string{
	engine.KindTimeout, engine.KindDeadline, engine.KindQueueTimeout, engine.KindRunTimeout, engine.KindCycleLimit, engine.KindStepLimit,
	wasmhost.KindFuel, wasmhost.KindMemory, wasmhost.KindStack, wasmhost.KindHostCalls, wasmhost.KindOutputTooLarge,
}

// limitReasons are the reasons of a run that say so.
var limitReasons = []string{engine.ReasonStepLimit, engine.ReasonCycleLimit, engine.ReasonDeadline}

// codeOf is the exit code of a finished run.
func codeOf(o engine.Outcome, tasks []engine.TaskReport) int {
	switch {
	case o.Status == engine.StatusSucceeded:
		return exitSucceeded
	case o.Status == engine.StatusCanceled:
		return exitCanceled
	case o.Status == engine.StatusPaused:
		return exitPaused
	case slices.Contains(limitReasons, o.Reason), hitLimit(o.Error, tasks):
		return exitLimit
	}
	return exitFailed
}

// hitLimit tells whether the error that ended a run is one of a limit. A
// group's error is, when all failed tasks below it are.
func hitLimit(err *engine.TaskError, tasks []engine.TaskReport) bool {
	if err == nil {
		return false
	}
	if err.Kind != engine.KindGroup {
		return slices.Contains(limitKinds, err.Kind)
	}
	hit := false
	for _, t := range tasks {
		if t.Error == nil || t.Error.Kind == engine.KindGroup || t.Status != engine.StatusFailed {
			continue
		}
		if !slices.Contains(limitKinds, t.Error.Kind) {
			return false
		}
		hit = true
	}
	return hit
}
