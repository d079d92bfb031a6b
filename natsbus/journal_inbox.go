package natsbus

import (
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
)

// inbox takes answers that consist of many messages, over one subscription for all
// requests. It is safe for concurrent use.
type inbox struct {
	nc *nats.Conn

	mu     sync.Mutex // guards what follows
	prefix string     // "": there is no subscription yet
	next   uint64
	open   map[string]chan *nats.Msg // by the last token of the subject
}

func newInbox(nc *nats.Conn) *inbox { return &inbox{nc: nc, open: map[string]chan *nats.Msg{}} }

// begin returns where answers are to go, and where they arrive: up to size of them,
// more are dropped. finish ends it.
func (i *inbox) begin(size int) (subject string, answers <-chan *nats.Msg, finish func(), err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.prefix == "" {
		prefix := i.nc.NewInbox() + "."
		if _, err := i.nc.Subscribe(prefix+"*", i.take); err != nil {
			return "", nil, nil, err
		}
		i.prefix = prefix
	}
	i.next++
	token, c := strconv.FormatUint(i.next, 36), make(chan *nats.Msg, size)
	i.open[token] = c
	return i.prefix + token, c, func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		delete(i.open, token)
	}, nil
}

func (i *inbox) take(m *nats.Msg) {
	i.mu.Lock()
	defer i.mu.Unlock()
	select {
	case i.open[m.Subject[len(i.prefix):]] <- m:
	default: // nobody waits, or more than was asked for
	}
}
