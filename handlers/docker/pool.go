package docker

import (
	"context"
	"errors"

	"github.com/docker/docker/api/types/image"

	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
)

// pools are the containers that are kept for reuse.
type pools struct{ handler *Handler }

func (p *pools) close() error { return nil }

func (p *pools) run(ctx context.Context, a *attempt, img image.InspectResponse, stop context.CancelCauseFunc) (ended, lines.Outcome, error) {
	return ended{}, lines.Outcome{}, errors.New("todo")
}
