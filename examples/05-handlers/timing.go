package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// timing is a handler around another one: it logs how long each attempt took.
type timing struct{ inner engine.Handler }

var _ engine.Handler = timing{}

// Handle implements engine.Handler. The result passes through as it is.
func (t timing) Handle(ctx context.Context, call *engine.Call) (engine.Result, error) {
	start := time.Now()
	result, err := t.inner.Handle(ctx, call)
	call.Sink.Log(slog.LevelInfo, call.Task.ID+" took "+time.Since(start).String())
	return result, err
}

// Check asks the inner handler, if it checks.
func (t timing) Check(ctx context.Context, task *engine.Task) error {
	if c, ok := t.inner.(engine.Checker); ok {
		return c.Check(ctx, task)
	}
	return nil
}

// quoted is text as a JSON string.
func quoted(text string) json.RawMessage {
	data, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string
	}
	return data
}
