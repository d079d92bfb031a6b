package runner

import (
	"context"
	"errors"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet"
)

// host is what is tested.
type host interface {
	// compile answers with the reason if the module is refused.
	compile(ctx context.Context, wasm []byte) (m module, refused string, err error)
	close(ctx context.Context) error
}

type module interface {
	// call runs one export, or asks for the description. It may be called
	// concurrently. An error is the host's own.
	call(ctx context.Context, c gauntlet.Case, export string, g grounds) (ending, error)
}

// ending is how a call ended: with a kind and a message, or "" if it ended well.
type ending struct {
	kind, detail string
	// waited is how much of the call's time was none of the guest's: until it had a
	// process of its own, if it has one.
	waited time.Duration
}

// open makes the host that is tested, configured for the limits of a case.
var open = openWasmHost

// healthy runs a harmless module on a host that was attacked.
func healthy(ctx context.Context, h host) error {
	for _, c := range gauntlet.Cases() {
		if c.Name != "control/empty" {
			continue
		}
		m, refused, err := h.compile(ctx, c.Module())
		if err != nil || refused != "" {
			return errors.Join(err, errors.New("the host no longer admits a harmless module: "+refused))
		}
		c.Limits.Timeout = 10 * time.Second
		end, err := m.call(ctx, c, c.Exports[0], grounds{})
		if end.kind != "" {
			return errors.New("the host no longer runs a harmless module: " + end.kind + ": " + end.detail)
		}
		return err
	}
	return errors.New("no harmless module")
}
