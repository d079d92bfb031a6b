package natsbus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	replayHeartbeat = time.Second
	// replayPatience is how long one wait for a message takes. It is long enough to
	// notice that there are no heartbeats, of which two must be missing.
	replayPatience = 3 * replayHeartbeat
	// replayQuiet is after how many waits the server is asked whether it has sent a
	// message: the last of a row may be lost unnoticed.
	replayQuiet = 10
	// catchUpPatience is how long one wait takes for a message that should be there,
	// and catchUpWaits how many there are. The first request of a consumer may be
	// lost.
	catchUpPatience, catchUpWaits = 250 * time.Millisecond, 8
	// replayAhead bounds the messages that wait to be read, and their bytes.
	replayAhead, replayBytes = 256, 4 << 20
)

// errGap is a replay that has missed messages, or has ended. It may begin anew.
var errGap = errors.New("messages may have been missed")

// channelReplay reads what a run's channel holds, and then what is written, through
// a consumer of its own.
type channelReplay struct {
	channel    *Channel
	consumer   jetstream.Consumer
	messages   jetstream.MessagesContext
	delivered  uint64 // by the consumer
	pending    uint64 // still to come, as far as the server knew with the last one
	seen       uint64 // sequence in the stream
	reconnects uint64 // of the connection, when it began
}

// replay begins at the last messages of the subjects. It is to be closed.
func (c *Channel) replay(ctx context.Context, headersOnly bool, subjects ...string) (*channelReplay, error) {
	cfg := jetstream.ConsumerConfig{
		Name:              "ch" + rand.Text(), // given, so that a second try finds that of the first
		FilterSubjects:    subjects,
		DeliverPolicy:     jetstream.DeliverLastPerSubjectPolicy,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: time.Minute,
		MemoryStorage:     true,
		Replicas:          1,
		HeadersOnly:       headersOnly,
	}
	r := &channelReplay{channel: c, reconnects: c.bus.nc.Stats().Reconnects}
	err := tries(ctx, func(ctx context.Context) error {
		s, err := c.handle(ctx)
		if err == nil {
			r.consumer, err = s.CreateConsumer(ctx, cfg)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	r.pending = r.consumer.CachedInfo().NumPending
	r.messages, err = r.consumer.Messages(
		jetstream.PullMaxMessagesWithBytesLimit(replayAhead, max(replayBytes, 2*int(c.bus.nc.MaxPayload()))),
		jetstream.PullHeartbeat(replayHeartbeat), jetstream.PullExpiry(30*time.Second))
	if err != nil {
		r.drop(ctx)
		return nil, translate(err)
	}
	return r, nil
}

// close ends the replay, and its consumer, which would end by itself.
func (r *channelReplay) close(ctx context.Context) {
	r.messages.Stop()
	r.drop(ctx)
}

func (r *channelReplay) drop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tryTime)
	defer cancel()
	if s, err := r.channel.handle(ctx); err == nil {
		_ = s.DeleteConsumer(ctx, r.consumer.CachedInfo().Name)
	}
}

// replayed is one message of a replay.
type replayed struct {
	cell
	subject string
}

// next waits for a message, at most for a time: then it returns nats.ErrTimeout.
// With errGap the replay is of no use any more.
func (r *channelReplay) next(ctx context.Context, most time.Duration) (*replayed, error) {
	limited, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	m, err := r.messages.Next(jetstream.NextContext(limited))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case r.channel.bus.nc.IsClosed():
		return nil, translate(nats.ErrConnectionClosed)
	case r.channel.bus.nc.Stats().Reconnects != r.reconnects:
		return nil, fmt.Errorf("%w: the connection was lost", errGap)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, nats.ErrTimeout
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errGap, err)
	}
	meta, err := m.Metadata()
	if err != nil {
		return nil, fmt.Errorf("read the stream of channels: %w", err)
	}
	if meta.Sequence.Consumer != r.delivered+1 {
		return nil, fmt.Errorf("%w: message %d of a consumer came after %d", errGap, meta.Sequence.Consumer, r.delivered)
	}
	r.delivered, r.pending, r.seen = meta.Sequence.Consumer, meta.NumPending, meta.Sequence.Stream
	held, err := readCell(meta.Sequence.Stream, meta.Timestamp, m.Headers(), m.Data())
	return &replayed{held, m.Subject()}, err
}

// wait is next without a limit.
func (r *channelReplay) wait(ctx context.Context) (*replayed, error) {
	for {
		for range replayQuiet {
			m, err := r.next(ctx, replayPatience)
			if !errors.Is(err, nats.ErrTimeout) {
				return m, err
			}
		}
		asked, cancel := context.WithTimeout(ctx, tryTime)
		info, err := r.consumer.Info(asked)
		cancel()
		if err != nil || info.Delivered.Consumer != r.delivered {
			return nil, errGap
		}
	}
}

// catchUp calls each with what there is, until it has told how a moment after the
// call had it, of all subjects at once. The subjects are those of all keys.
func (r *channelReplay) catchUp(ctx context.Context, keys string, each func(*replayed) error) error {
	must, err := r.channel.lastSeq(ctx, keys) // the consumer's replica may lag behind
	for waits := 0; err == nil && (r.pending > 0 || r.seen < must); {
		var m *replayed
		m, err = r.next(ctx, catchUpPatience)
		switch {
		case err == nil:
			waits, err = 0, each(m)
		case !errors.Is(err, nats.ErrTimeout):
		case waits == catchUpWaits:
			err = errGap
		default: // that message may be gone by now
			waits++
			must, err = r.channel.lastSeq(ctx, keys)
		}
	}
	return err
}

// nameOf is the key or lock of a subject.
func nameOf(subject string) (string, error) {
	return name(subject[strings.LastIndexByte(subject, '.')+1:])
}
