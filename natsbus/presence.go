package natsbus

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

const (
	nodeBeat = 3 * time.Second
	nodeTTL  = "10s" // without a beat
)

// NodeInfo is what a process tells of itself.
type NodeInfo struct {
	Node        string            `json:"node"` // its name; "" in Announce is Config.Node
	Host        string            `json:"host,omitempty"`
	PID         int               `json:"pid,omitempty"`
	Version     string            `json:"version,omitempty"`
	Role        string            `json:"role,omitempty"` // worker, server
	Queues      []string          `json:"queues,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Concurrency int               `json:"concurrency,omitempty"` // attempts at a time, at most
	Running     int               `json:"running"`               // attempts now
	Started     time.Time         `json:"started,omitzero"`
	Draining    bool              `json:"draining,omitempty"` // takes nothing new
	Seen        time.Time         `json:"-"`                  // of [Bus.Nodes]: its last word, by the server's clock
}

func (b *Bus) nodePrefix() string { return "gf.node." + token(b.cfg.Namespace) + ".w." }

// Announce tells every 3 s that this process is there, and at once when changed
// receives, which may be nil, until ctx is done, and then that it is gone. One that says
// nothing for 10 s is gone too. A cluster that can't be reached is no error here.
func (b *Bus) Announce(ctx context.Context, changed <-chan struct{}, info func() NodeInfo) error {
	name, err := b.beat(ctx, info())
	if err != nil {
		return err
	}
	defer b.leave(context.WithoutCancel(ctx), name)
	next := time.NewTicker(nodeBeat)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next.C:
		case <-changed:
		}
		switch _, err := b.beat(ctx, info()); {
		case errors.Is(err, engine.ErrClosed):
			return err
		case err != nil && ctx.Err() == nil:
			b.log.Warn("the other processes were not told that this one is there", "err", err)
		}
	}
}

// beat publishes once, without repeating it: the next one comes soon.
func (b *Bus) beat(ctx context.Context, info NodeInfo) (string, error) {
	if info.Node = cmp.Or(info.Node, b.cfg.Node); info.Node == "" {
		return "", errors.New("announce a process: it has no name: set NodeInfo.Node")
	}
	data, err := json.Marshal(info)
	if err != nil {
		return "", fmt.Errorf("announce process %q: %w", info.Node, err)
	}
	ctx, cancel := context.WithTimeout(ctx, nodeBeat)
	defer cancel()
	if err := b.say(ctx, info.Node, nodeTTL, data); err != nil && !unanswered(err) {
		return "", fmt.Errorf("announce process %q: %w", info.Node, translate(err))
	}
	return info.Node, nil
}

// leave takes the process off the list.
func (b *Bus) leave(ctx context.Context, node string) {
	ctx, cancel := context.WithTimeout(ctx, nodeBeat)
	defer cancel()
	if err := b.say(ctx, node, "1s", nil); err != nil && !b.nc.IsClosed() {
		b.log.Warn("the other processes were not told that this one is gone", "err", err)
	}
}

func (b *Bus) say(ctx context.Context, node, ttl string, data []byte) error {
	m := nats.NewMsg(b.nodePrefix() + token(node))
	m.Header.Set(jetstream.MsgTTLHeader, ttl)
	m.Data = data
	_, err := b.publishOnce(ctx, m)
	return err
}

// Nodes lists the processes that are there, by name.
func (b *Bus) Nodes(ctx context.Context) ([]NodeInfo, error) {
	all := map[string]NodeInfo{}
	for after := uint64(0); ; {
		found, err := b.gather(ctx, streamNodes, wanted{Seq: after + 1, Next: b.nodePrefix() + "*", Batch: directBatch})
		if err != nil {
			return nil, fmt.Errorf("list processes: %w", err)
		}
		for _, e := range found {
			after = e.seq
			var info NodeInfo
			if len(e.data) == 0 || json.Unmarshal(e.data, &info) != nil {
				delete(all, e.subject) // it has left
				continue
			}
			info.Seen = e.time
			all[e.subject] = info
		}
		if len(found) < directBatch {
			break
		}
	}
	return slices.SortedFunc(maps.Values(all), func(x, y NodeInfo) int { return cmp.Compare(x.Node, y.Node) }), nil
}
