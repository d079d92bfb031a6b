package natsbus

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	heartbeat  = time.Second      // of a consumer that has nothing to deliver
	silence    = 3 * heartbeat    // after which it is taken for lost
	unattended = 30 * time.Second // after which the server drops a consumer that nobody listens to
	feedBuffer = 8192             // messages on their way; what does not fit is delivered again
)

// feed is an ordered consumer: the messages of a stream that match a subject, each
// once and in order, from a sequence on. It pushes, one goroutine handles, and when
// one is missing or nothing is heard it begins anew behind the last.
type feed struct {
	bus     *Bus
	stream  string
	filter  string
	last    uint64 // stream sequence of the last message handled
	handle  func(seq uint64, m *nats.Msg)
	failing bool // told already

	name  string
	sub   *nats.Subscription
	in    chan *nats.Msg
	count uint64 // messages of this consumer
	heard time.Time
}

// run feeds handle until ctx is done.
func (f *feed) run(ctx context.Context) {
	defer f.close()
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	f.restart(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-f.in:
			if !f.take(m) {
				f.restart(ctx)
			}
		case <-tick.C:
			if time.Since(f.heard) > silence {
				f.restart(ctx)
			}
		}
	}
}

// restart makes a new consumer. On failure a tick tries again.
func (f *feed) restart(ctx context.Context) {
	f.close()
	f.heard = time.Now()
	err := f.open(ctx)
	switch {
	case err == nil:
		f.failing = false
	case ctx.Err() == nil && !f.failing:
		f.failing = true
		f.bus.log.Warn("follow a stream: it is tried again", "stream", f.stream, "subject", f.filter, "err", translate(err))
	}
}

func (f *feed) open(ctx context.Context) error {
	f.in, f.count, f.name = make(chan *nats.Msg, feedBuffer), 0, "gf-feed-"+rand.Text()
	deliver := f.bus.nc.NewInbox()
	sub, err := f.bus.nc.ChanSubscribe(deliver, f.in)
	if err != nil {
		return err
	}
	f.sub = sub
	query, err := json.Marshal(map[string]any{
		"stream_name": f.stream, "action": "create",
		"config": jetstream.ConsumerConfig{
			Name: f.name, DeliverSubject: deliver, FilterSubject: f.filter,
			DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: f.last + 1,
			AckPolicy: jetstream.AckNonePolicy, MaxDeliver: 1, Replicas: 1, MemoryStorage: true,
			FlowControl: true, IdleHeartbeat: heartbeat, InactiveThreshold: unattended,
		},
	})
	if err != nil {
		return err
	}
	try, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	answer, err := f.bus.nc.RequestWithContext(try, apiPrefix+"CONSUMER.CREATE."+f.stream+"."+f.name+"."+f.filter, query)
	if err != nil {
		return err
	}
	return answerError(answer)
}

// answerError is the error that an answer of the API holds.
func answerError(m *nats.Msg) error {
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return fmt.Errorf("read an answer of JetStream: %w", err)
	}
	if answer.Error != nil {
		return answer.Error
	}
	return nil
}

// close drops the consumer. What was not handled comes again from the next.
func (f *feed) close() {
	if f.sub == nil {
		return
	}
	_ = f.sub.Unsubscribe() // it fails on a closed connection, which has none
	f.sub = nil
	// Nobody waits for the answer: the server drops it by itself, a little later.
	_ = f.bus.nc.Publish(apiPrefix+"CONSUMER.DELETE."+f.stream+"."+f.name, nil)
}

// take handles a message; false: one before it is missing.
func (f *feed) take(m *nats.Msg) bool {
	f.heard = time.Now()
	if len(m.Data) == 0 && m.Header.Get(headerStatus) != "" {
		return f.control(m)
	}
	seq, count, err := position(m.Reply)
	if err != nil || count != f.count+1 {
		return false
	}
	f.count = count
	if seq > f.last { // a replica that is late begins earlier than it was asked to
		f.last = seq
		f.handle(seq, m)
	}
	return true
}

// control answers what the server says about the flow.
func (f *feed) control(m *nats.Msg) bool {
	if m.Header.Get(headerStatus) != "100" {
		return false // the consumer is gone
	}
	if m.Reply != "" {
		_ = f.bus.nc.Publish(m.Reply, nil)
		return true
	}
	if stalled := m.Header.Get("Nats-Consumer-Stalled"); stalled != "" {
		_ = f.bus.nc.Publish(stalled, nil)
	}
	return m.Header.Get("Nats-Last-Consumer") == strconv.FormatUint(f.count, 10)
}

var errPosition = errors.New("a message of a consumer has no position")

// position reads the sequences of a message in the stream and in its consumer, which
// are in the subject of its ack: $JS.ACK.<stream>.<consumer>.<delivered>.<stream
// sequence>.<consumer sequence>.<time>.<pending>, in the new form with a domain and
// an account before the stream.
func position(reply string) (seq, count uint64, err error) {
	tokens := [12]string{}
	n := 0
	for n < len(tokens)-1 {
		token, rest, more := strings.Cut(reply, ".")
		tokens[n], reply, n = token, rest, n+1
		if !more {
			break
		}
	}
	at := 5
	if n > 9 {
		at = 7
	}
	if n < 9 {
		return 0, 0, errPosition
	}
	seq, err = strconv.ParseUint(tokens[at], 10, 64)
	if err != nil {
		return 0, 0, errPosition
	}
	if count, err = strconv.ParseUint(tokens[at+1], 10, 64); err != nil {
		return 0, 0, errPosition
	}
	return seq, count, nil
}
