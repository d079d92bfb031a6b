package streamtext

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Read makes on a server that has none of them the streams that Write has written,
// with the same messages under the same sequence numbers.
func Read(ctx context.Context, r io.Reader, connect Connect) error {
	nc, err := connect()
	if err != nil {
		return fmt.Errorf("make streams: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("make streams: %w", err)
	}
	m := &maker{js: js}
	for d := json.NewDecoder(r); ; {
		var l line
		err := d.Decode(&l)
		if errors.Is(err, io.EOF) {
			return m.end(ctx)
		}
		if err == nil {
			err = m.take(ctx, l)
		}
		if err != nil {
			return fmt.Errorf("make streams: %w", err)
		}
	}
}

// Publish stores one message, as somebody may who is no process of ours.
func Publish(ctx context.Context, connect Connect, subject string, data []byte) error {
	nc, err := connect()
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err == nil {
		_, err = js.Publish(ctx, subject, data)
	}
	if err != nil {
		return fmt.Errorf("publish on %s: %w", subject, err)
	}
	return nil
}

// maker makes one stream after the other.
type maker struct {
	js     jetstream.JetStream
	at     *stream          // that is made
	stream jetstream.Stream // the same
	next   uint64           // sequence of what is stored next
}

func (m *maker) take(ctx context.Context, l line) error {
	switch {
	case l.Stream != nil:
		if err := m.end(ctx); err != nil {
			return err
		}
		var err error
		m.at, m.next = l.Stream, 1
		if m.stream, err = m.js.CreateStream(ctx, l.Stream.Config); err != nil {
			return fmt.Errorf("stream %s: %w", l.Stream.Config.Name, err)
		}
		return nil
	case l.Message == nil || m.at == nil:
		return errors.New("a line is neither a stream nor a message of one")
	}
	if err := m.fill(ctx, l.Message.Seq); err != nil {
		return err
	}
	return m.store(ctx, &nats.Msg{Subject: l.Message.Subject, Data: l.Message.bytes(), Header: l.Message.Header})
}

// end makes what comes after a stream's messages.
func (m *maker) end(ctx context.Context) error {
	if m.at == nil {
		return nil
	}
	if err := m.fill(ctx, m.at.Last+1); err != nil {
		return err
	}
	for _, c := range m.at.Consumers {
		if _, err := m.stream.CreateConsumer(ctx, c); err != nil {
			return fmt.Errorf("consumer %s of stream %s: %w", c.Durable, m.at.Config.Name, err)
		}
	}
	return nil
}

// fill takes up the sequence numbers before one, of messages that were removed.
func (m *maker) fill(ctx context.Context, until uint64) error {
	subject := strings.NewReplacer(">", "gap", "*", "gap").Replace(m.at.Config.Subjects[0])
	for m.next < until {
		if err := m.store(ctx, nats.NewMsg(subject)); err != nil {
			return err
		}
		if err := m.stream.DeleteMsg(ctx, m.next-1); err != nil {
			return fmt.Errorf("leave out message %d of stream %s: %w", m.next-1, m.at.Config.Name, err)
		}
	}
	return nil
}

func (m *maker) store(ctx context.Context, msg *nats.Msg) error {
	ack, err := m.js.PublishMsg(ctx, msg)
	if err != nil {
		return fmt.Errorf("message %d of stream %s: %w", m.next, m.at.Config.Name, err)
	}
	if ack.Sequence != m.next {
		return fmt.Errorf("message %d of stream %s was stored as %d: it was not empty", m.next, m.at.Config.Name, ack.Sequence)
	}
	m.next++
	return nil
}
