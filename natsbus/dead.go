package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// deadStream keeps what was given up, for 30 days.
func deadStream(cfg Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        streamDead,
		Description: "graflow-wasm: deliveries that were given up",
		Subjects:    []string{"gf.dead.>"},
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardOld,
		Storage:     jetstream.FileStorage,
		Replicas:    cfg.Replicas,
		MaxAge:      30 * 24 * time.Hour,
		MaxBytes:    256 << 20,
		Duplicates:  time.Hour,
	}
}

// DeadLetter is one that is kept, under its number.
type DeadLetter struct {
	Number uint64 `json:"number"`
	engine.DeadLetter
}

// Bury keeps a delivery that nobody will make again, for 30 days. Who buries the
// same one again within an hour changes nothing.
func (b *Bus) Bury(ctx context.Context, l engine.DeadLetter) error {
	return b.bury(ctx, fmt.Sprintf("%s/%s/%d", token(l.Run), token(l.Activation), l.Rev), l)
}

func (b *Bus) bury(ctx context.Context, id string, l engine.DeadLetter) error {
	data, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("bury %q of run %q: %w", l.Activation, l.Run, err)
	}
	err = tries(ctx, func(ctx context.Context) error {
		_, err := b.publishOnce(ctx, &nats.Msg{
			Subject: b.deadPrefix() + token(l.Run) + "." + token(l.Activation),
			Header:  nats.Header{jetstream.MsgIDHeader: {token(b.cfg.Namespace) + "/" + id}}, Data: data,
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("bury %q of run %q: %w", l.Activation, l.Run, err)
	}
	return nil
}

func (b *Bus) deadPrefix() string { return "gf.dead." + token(b.cfg.Namespace) + "." }

// DeadLetters returns up to limit dead letters of the namespace, the newest first,
// of those with numbers under before; 0 is from the newest on.
func (b *Bus) DeadLetters(ctx context.Context, before uint64, limit int) ([]DeadLetter, error) {
	stream, err := b.openStream(ctx, streamDead)
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", translate(err))
	}
	state := stream.CachedInfo().State
	if before == 0 || before > state.LastSeq {
		before = state.LastSeq + 1
	}
	var all []DeadLetter
	for number := before - 1; number >= max(1, state.FirstSeq) && len(all) < limit; number-- {
		l, err := b.DeadLetter(ctx, number)
		switch {
		case err == nil:
			all = append(all, *l)
		case !errors.Is(err, engine.ErrNotFound):
			return nil, fmt.Errorf("list dead letters: %w", err)
		}
	}
	return all, nil
}

// DeadLetter returns one dead letter, or engine.ErrNotFound.
func (b *Bus) DeadLetter(ctx context.Context, number uint64) (*DeadLetter, error) {
	r, err := b.look(ctx, streamDead, lookup{Seq: number, Next: b.deadPrefix() + ">"})
	if err == nil && r.Seq != number {
		err = engine.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("dead letter %d: %w", number, err)
	}
	l := &DeadLetter{Number: number}
	if err := json.Unmarshal(r.Data, &l.DeadLetter); err != nil {
		return nil, fmt.Errorf("dead letter %d: read it: %w", number, err)
	}
	return l, nil
}

// RemoveDead drops one dead letter. One that is not there is engine.ErrNotFound.
func (b *Bus) RemoveDead(ctx context.Context, number uint64) error {
	if _, err := b.DeadLetter(ctx, number); err != nil {
		return err // another namespace's is not ours to remove
	}
	stream, err := b.openStream(ctx, streamDead)
	if err == nil {
		try, end := b.guard(ctx, apiPrefix+"STREAM.MSG.DELETE."+streamDead)
		err = end(stream.DeleteMsg(try, number))
	}
	if err != nil {
		return fmt.Errorf("remove dead letter %d: %w", number, translate(err))
	}
	return nil
}
