package natsbus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// ErrUnreachable is a cluster that does not answer, or has no leader for what was
// asked. Whether a write took place is not known then.
var ErrUnreachable = engine.ErrUnreachable

// Error codes of JetStream.
const (
	codeWrongLast = jetstream.JSErrCodeStreamWrongLastSequence
	// codeInFlight refuses a write while another that expects something of the same
	// chain is being replicated: what the chain's last record will be is open.
	codeInFlight = jetstream.JSErrCodeStreamWrongLastSequenceConstant
	// codeOffline is a consumer whose server has just gone.
	codeOffline jetstream.ErrorCode = 10119
	// codeStoreFailed is also what a full stream says.
	codeStoreFailed jetstream.ErrorCode = 10077
	// codeNoSpace refuses a stream for which the disk, or the account, has no room.
	codeNoSpace jetstream.ErrorCode = 10047
)

// translate makes an error of NATS the engine's where callers tell them apart.
func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrMsgNotFound), errors.Is(err, jetstream.ErrKeyNotFound):
		return fmt.Errorf("%w: %w", engine.ErrNotFound, err)
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrConnectionDraining):
		return fmt.Errorf("%w: %w", engine.ErrClosed, err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case unanswered(err):
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if isWrongLast(err) {
		return fmt.Errorf("%w: %w", engine.ErrConflict, err)
	}
	return err
}

// isWrongLast tells that a write was refused for good: the chain has moved on.
func isWrongLast(err error) bool {
	return hasCode(err, codeWrongLast)
}

func hasCode(err error, code jetstream.ErrorCode) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == code
}

// unanswered tells whether an error leaves it open what became of a request.
func unanswered(err error) bool {
	for _, open := range []error{
		nats.ErrTimeout, nats.ErrNoResponders, nats.ErrDisconnected, nats.ErrReconnectBufExceeded,
		nats.ErrStaleConnection, jetstream.ErrNoStreamResponse, context.DeadlineExceeded,
	} {
		if errors.Is(err, open) {
			return true
		}
	}
	var api *jetstream.APIError
	return errors.As(err, &api) &&
		(api.Code == 503 && api.ErrorCode != codeStoreFailed || api.ErrorCode == codeInFlight || api.ErrorCode == codeOffline)
}
