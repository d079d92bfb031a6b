package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/natsbus"
)

// serveControl does what other processes ask of the runs that this one drives, until
// ctx is done, whose error it returns. The backend is the engine's, of the bus. It is
// for processes that play engine.PartBoth or engine.PartOwner, beside Join.
func serveControl(ctx context.Context, bus *natsbus.Bus, backend *engine.Backend, e *engine.Engine) error {
	cluster, ok := backend.Cluster.(*natsbus.Cluster)
	if !ok {
		return fmt.Errorf("steer runs: the backend is of %T, no bus", backend.Cluster)
	}
	forget := func(ctx context.Context, run string) error {
		if err := backend.Journal.Forget(ctx, run); err != nil { // which has it in memory too
			return err
		}
		return bus.Forget(ctx, run)
	}
	share := control.NewShare(control.ShareConfig{Engine: e, Revive: bus.Unarchive, Forget: forget})
	return cluster.Answer(ctx, func(ctx context.Context, run, method string, body []byte) ([]byte, error) {
		answer, err := share.Do(ctx, run, method, body)
		return answer, toldElsewhere(err)
	})
}

// toldElsewhere is an error of a Share as the bus carries it.
func toldElsewhere(err error) error {
	var told *control.Error
	switch {
	case errors.Is(err, engine.ErrElsewhere):
		return natsbus.ErrElsewhere
	case errors.As(err, &told):
		return &natsbus.AnswerError{Code: told.Status, Text: told.Message}
	}
	return err
}

// newSteerer asks those who drive the runs of a cluster.
func newSteerer(bus *natsbus.Bus) *control.Steerer {
	return control.NewSteerer(func(ctx context.Context, run, method string, body []byte) ([]byte, error) {
		answer, err := bus.Ask(ctx, run, method, body)
		var told *natsbus.AnswerError
		if errors.As(err, &told) {
			err = &control.Error{Status: told.Code, Message: told.Text}
		}
		return answer, err
	})
}
