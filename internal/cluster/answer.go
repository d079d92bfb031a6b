package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/natsbus"
)

// Answer does what other processes ask of the runs that an engine drives, until
// ctx is done, whose error it returns. The backend is the engine's, of the bus. It is
// for processes that play engine.PartBoth or engine.PartOwner, beside Join.
func Answer(ctx context.Context, bus *natsbus.Bus, backend *engine.Backend, e *engine.Engine) error {
	shared, ok := backend.Cluster.(*natsbus.Cluster)
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
	return shared.Answer(ctx, func(ctx context.Context, run, method string, body []byte) ([]byte, error) {
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
