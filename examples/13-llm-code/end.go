package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/script"
)

// end is how a run ended.
type end struct {
	value  json.RawMessage
	stdout string
	err    error
	took   time.Duration
}

// execute runs a snippet.
func execute(ctx context.Context, sandbox *script.Sandbox, e expectation) end {
	language, err := script.LanguageOf(e.File)
	if err != nil {
		return end{err: err}
	}
	options, err := e.options()
	if err != nil {
		return end{err: err}
	}
	var stdout, stderr bytes.Buffer
	options.Stdout, options.Stderr = &stdout, &stderr
	begin := time.Now()
	result, err := sandbox.Run(ctx, language, e.code, options)
	return end{result.Value, stdout.String(), err, time.Since(begin)}
}

// check compares the end with what is expected.
func (e expectation) check(got end) error {
	var failure *script.Error
	if got.err != nil && !errors.As(got.err, &failure) {
		return got.err // not the code's
	}
	switch {
	case e.Kind != "" && failure == nil:
		return fmt.Errorf("it ended with %s, want an error of kind %s", got.value, e.Kind)
	case e.Kind != "" && failure.Kind != e.Kind:
		return fmt.Errorf("it ended with kind %s, want %s: %w%s", failure.Kind, e.Kind, failure, traceback(failure))
	case e.Kind == "" && !e.Any && failure != nil:
		return fmt.Errorf("%w%s", failure, traceback(failure))
	case e.Kind == "" && !e.Any && !same(got.value, e.Value):
		return fmt.Errorf("got %s, want %s", got.value, e.Value)
	}
	return e.checkStdout(got.stdout)
}

func (e expectation) checkStdout(got string) error {
	if e.dir == "hostile" && e.Stdout == nil {
		return nil
	}
	want := ""
	for _, line := range e.Stdout {
		want += line + "\n"
	}
	if got != want {
		return fmt.Errorf("it printed %q, want %q", got, want)
	}
	return nil
}

func traceback(e *script.Error) string {
	if e.Traceback == "" {
		return ""
	}
	return "\n" + e.Traceback
}

// same compares JSON; numbers by their text, so that 1 is not 1.0.
func same(a, b json.RawMessage) bool {
	var values [2]any
	for i, raw := range []json.RawMessage{a, b} {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if d.Decode(&values[i]) != nil {
			return false
		}
	}
	return reflect.DeepEqual(values[0], values[1])
}

// probes are what must go on working after whatever ran before.
var probes = map[script.Language]string{
	script.Python: "import json, os, sys\n" +
		"json.loads(json.dumps([len('ab'), str(1), os.listdir('/tmp'), dict(os.environ), sys.getrecursionlimit() < 10**6]))",
	script.JavaScript: "JSON.parse(JSON.stringify([[1, 2].map((x) => x * 2).join(), Object.keys({}), ({}).value ?? null]))",
}

// answers are what the probes come to.
var answers = map[script.Language]string{
	script.Python:     `[2, "1", [], {}, true]`,
	script.JavaScript: `["2,4", [], null]`,
}

// probe sees that nothing of an earlier run is left.
func probe(ctx context.Context, sandbox *script.Sandbox) error {
	var faults []error
	for language, code := range probes {
		result, err := sandbox.Run(ctx, language, code, script.Options{})
		if err != nil || !same(result.Value, json.RawMessage(answers[language])) {
			faults = append(faults, fmt.Errorf("after it a run in %s got %s, %w", language, result.Value, err))
		}
	}
	return errors.Join(faults...)
}

func (e end) milliseconds() string {
	return fmt.Sprintf("%.1f ms", float64(e.took.Microseconds())/1000)
}

// brief is the value or error in few words.
func (e end) brief() string {
	text := strings.TrimSpace(string(e.value))
	if failure := (*script.Error)(nil); errors.As(e.err, &failure) {
		text = failure.Kind + ": " + failure.Message
	} else if e.err != nil {
		text = e.err.Error()
	}
	text = strings.Join(strings.Fields(text), " ")
	if len([]rune(text)) > 60 {
		text = string([]rune(text)[:59]) + "…"
	}
	return text
}
