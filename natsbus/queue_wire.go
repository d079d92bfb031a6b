package natsbus

import (
	"context"

	"github.com/nats-io/nats.go"
)

// wire is what a Queue asks for tickets and settles them by: a connection.
type wire interface {
	IsConnected() bool
	Publish(subject string, data []byte) error
	PublishRequest(subject, reply string, data []byte) error
	RequestWithContext(ctx context.Context, subject string, data []byte) (*nats.Msg, error)
	// listen hears what is sent to a new inbox, whose subjects end in two tokens.
	listen(hear nats.MsgHandler) (*nats.Subscription, error)
	// leave gives an inbox up; what has been sent to it is heard still.
	leave(inbox *nats.Subscription)
}

type connection struct{ *nats.Conn }

func (c connection) listen(hear nats.MsgHandler) (*nats.Subscription, error) {
	inbox, err := c.Subscribe(c.NewInbox()+".*.*", hear)
	if err != nil {
		return nil, err
	}
	return inbox, inbox.SetPendingLimits(-1, -1)
}

func (connection) leave(inbox *nats.Subscription) { _ = inbox.Drain() }
