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
	// call runs one export, or asks for the description, and tells how it
	// ended: a kind and a message, or "" if it ended well. It may be called
	// concurrently. An error is the host's own.
	call(ctx context.Context, c gauntlet.Case, export string, g grounds) (kind, detail string, err error)
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
		kind, detail, err := m.call(ctx, c, c.Exports[0], grounds{})
		if kind != "" {
			return errors.New("the host no longer runs a harmless module: " + kind + ": " + detail)
		}
		return err
	}
	return errors.New("no harmless module")
}
