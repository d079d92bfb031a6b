package cluster

import (
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/natsbus"
)

// fault is an error of the bus as a Service tells it.
func fault(err error) error {
	for _, kind := range []struct{ of, is error }{
		{natsbus.ErrUnreachable, ops.ErrUnavailable},
		{natsbus.ErrNoOwner, ops.ErrUnavailable},
		{natsbus.ErrDenied, ops.ErrDenied},
		{natsbus.ErrFull, ops.ErrLimited},
		{engine.ErrBusy, ops.ErrLimited},
		{natsbus.ErrVersionTaken, ops.ErrTaken},
		{natsbus.ErrStale, ops.ErrTaken},
	} {
		if errors.Is(err, kind.of) {
			return fmt.Errorf("%w: %w", kind.is, err)
		}
	}
	return err
}
