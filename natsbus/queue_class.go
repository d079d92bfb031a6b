package natsbus

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// class is what tickets have in common that the same workers may take, with the
// same urgency: each has a consumer.
type class struct {
	queue    string
	requires string // labels as "k=v,k2=v2", sorted
	priority engine.Priority
}

// classOf is the class of a task's tickets. A delivery without a task is of the
// first class that there is.
func classOf(t *engine.Task) class {
	c := class{queue: defaultQueue, priority: engine.PriorityNormal}
	if t == nil {
		return c
	}
	if t.Queue != "" {
		c.queue = t.Queue
	}
	if t.Priority != "" {
		c.priority = t.Priority
	}
	c.requires = canonicalLabels(t.Requires)
	return c
}

// defaultQueue is the name of the queue of those who name none.
const defaultQueue = "default"

func canonicalLabels(labels map[string]string) string {
	pairs := make([]string, 0, len(labels))
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, url.QueryEscape(k)+"="+url.QueryEscape(labels[k]))
	}
	return strings.Join(pairs, ",")
}

// parseLabels is the opposite of canonicalLabels.
func parseLabels(canonical string) (map[string]string, error) {
	labels := map[string]string{}
	if canonical == "" {
		return labels, nil
	}
	for pair := range strings.SplitSeq(canonical, ",") {
		k, v, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(k)
		value, err2 := url.QueryUnescape(v)
		if err := errors.Join(err, err2); err != nil {
			return nil, fmt.Errorf("label %q: %w", pair, err)
		}
		labels[key] = value
	}
	return labels, nil
}

var priorityTokens = map[engine.Priority]string{
	engine.PriorityHigh: "h", engine.PriorityNormal: "n", engine.PriorityLow: "l",
}

// prefix is what the subjects of the class's tickets begin with, without a dot at
// its end.
func (c class) prefix(ns string) string {
	return "gf.task." + token(c.queue) + "." + token(c.requires) + "." + priorityTokens[c.priority] + "." + token(ns)
}

// consumer is the name of the class's consumer. It is a name of a file, too, which
// bounds its length.
func (c class) consumer(ns string) string {
	full := strings.Join([]string{token(ns), token(c.queue), token(c.requires), priorityTokens[c.priority]}, "=")
	if len(full) <= 120 {
		return full
	}
	sum := sha256.Sum256([]byte(full))
	return "=" + base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])
}

// classOfFilter reads the class and the namespace from a consumer's filter.
func classOfFilter(filter string) (c class, ns string, err error) {
	tokens := strings.Split(filter, ".")
	if len(tokens) != 7 || tokens[0] != "gf" || tokens[1] != "task" || tokens[6] != ">" {
		return c, "", fmt.Errorf("filter %q is not one of a class", filter)
	}
	var errs [3]error
	c.queue, errs[0] = name(tokens[2])
	c.requires, errs[1] = name(tokens[3])
	ns, errs[2] = name(tokens[5])
	for p, t := range priorityTokens {
		if t == tokens[4] {
			c.priority = p
		}
	}
	if c.priority == "" {
		return c, "", fmt.Errorf("filter %q: no such priority", filter)
	}
	return c, ns, errors.Join(errs[:]...)
}

// takes tells whether this process has what tickets of the class require.
func (c class) takes(cfg Config) bool {
	queues := cfg.Queues
	if queues == nil {
		queues = []string{defaultQueue}
	}
	if !slices.Contains(queues, c.queue) {
		return false
	}
	required, err := parseLabels(c.requires)
	if err != nil {
		return false
	}
	for k, v := range required {
		if have, ok := cfg.Labels[k]; !ok || have != v {
			return false
		}
	}
	return true
}

// consumerConfig is how the consumer of a class is made. Deliveries are counted
// without end: when one is given up is the engine's decision.
func (c class) consumerConfig(cfg Config, limit int) jetstream.ConsumerConfig {
	if limit <= 0 {
		limit = -1
	}
	return jetstream.ConsumerConfig{
		Durable:       c.consumer(cfg.Namespace),
		FilterSubject: c.prefix(cfg.Namespace) + ".>",
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       cfg.Lease,
		MaxDeliver:    -1,
		MaxAckPending: limit,
		MaxWaiting:    1 << 16, // pulls of all workers
	}
}
