package cluster

import (
	"context"
	"errors"

	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/natsbus"
)

// NewSteerer asks those who drive the runs of a cluster.
func NewSteerer(bus *natsbus.Bus) *control.Steerer {
	return control.NewSteerer(func(ctx context.Context, run, method string, body []byte) ([]byte, error) {
		answer, err := bus.Ask(ctx, run, method, body)
		var told *natsbus.AnswerError
		if errors.As(err, &told) {
			err = &control.Error{Status: told.Code, Message: told.Text}
		}
		return answer, err
	})
}
