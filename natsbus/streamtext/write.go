package streamtext

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go/jetstream"
)

// Write writes all streams, by name, but the messages of those that are in without:
// such as say who was there.
func Write(ctx context.Context, w io.Writer, connect Connect, without ...string) error {
	nc, err := connect()
	if err != nil {
		return fmt.Errorf("write streams: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("write streams: %w", err)
	}
	names := js.StreamNames(ctx)
	for name := range names.Name() {
		if err := writeStream(ctx, w, js, name, without); err != nil {
			return fmt.Errorf("write stream %s: %w", name, err)
		}
	}
	return names.Err()
}

func writeStream(ctx context.Context, w io.Writer, js jetstream.JetStream, name string, without []string) error {
	s, err := js.Stream(ctx, name)
	if err != nil {
		return err
	}
	info := s.CachedInfo()
	head := &stream{Config: settings(info.Config), Last: info.State.LastSeq}
	consumers := s.ListConsumers(ctx)
	for c := range consumers.Info() {
		if c.Config.Durable != "" {
			c.Config.Metadata = nil
			head.Consumers = append(head.Consumers, c.Config)
		}
	}
	if err := consumers.Err(); err != nil {
		return err
	}
	if err := put(w, line{Stream: head}); err != nil {
		return err
	}
	for _, other := range without {
		if name == other {
			return nil
		}
	}
	for seq := max(1, info.State.FirstSeq); seq <= info.State.LastSeq; seq++ {
		m, err := s.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // removed
		}
		if err != nil {
			return err
		}
		if err := put(w, line{Message: newMessage(m)}); err != nil {
			return err
		}
	}
	return nil
}

func put(w io.Writer, l line) error {
	text, err := compact(l)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}
