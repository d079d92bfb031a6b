package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

const (
	// directBatch is how many messages one direct get asks for.
	directBatch = 256
	// maxSubjects is how many subjects one direct get may name; the server refuses
	// more than 1024 answers.
	maxSubjects = 1000
)

// kept is a stored message.
type kept struct {
	subject string
	seq     uint64
	time    time.Time // by the server's clock
	header  nats.Header
	data    []byte
}

// wanted is what a direct get asks for.
type wanted struct {
	Seq   uint64   `json:"seq,omitempty"`
	Last  string   `json:"last_by_subj,omitempty"`
	Next  string   `json:"next_by_subj,omitempty"`
	Batch int      `json:"batch,omitempty"`
	Lasts []string `json:"multi_last,omitempty"`
}

// persist stores a message; if it is not known whether that was done, once more.
func (b *Bus) persist(ctx context.Context, m *nats.Msg) error {
	return tries(ctx, func(ctx context.Context) error {
		_, err := b.publishOnce(ctx, m)
		return err
	})
}

// api makes a request of JetStream's API, which the stream's leader answers.
func (b *Bus) api(ctx context.Context, subject string, req, resp any) error {
	data, err := json.Marshal(req)
	if err != nil {
		return err
	}
	return tries(ctx, func(ctx context.Context) error {
		m, err := b.request(ctx, &nats.Msg{Subject: apiPrefix + subject, Data: data})
		if err != nil {
			return err
		}
		var fault struct {
			Error *jetstream.APIError `json:"error"`
		}
		if err := json.Unmarshal(m.Data, &fault); err != nil {
			return fmt.Errorf("read the answer to %s: %w", subject, err)
		}
		if fault.Error != nil {
			return fault.Error
		}
		return json.Unmarshal(m.Data, resp)
	})
}

// purgeThrough drops the messages of a stream with subjects that match, up to a
// sequence.
func (b *Bus) purgeThrough(ctx context.Context, stream, filter string, seq uint64) error {
	req := struct {
		Filter string `json:"filter"`
		Before uint64 `json:"seq"`
	}{filter, seq + 1}
	return b.api(ctx, "STREAM.PURGE."+stream, req, &struct{}{})
}

// leaderLast is the last message on a subject, as the stream's leader has it;
// ErrNotFound.
func (b *Bus) leaderLast(ctx context.Context, stream, subject string) (*kept, error) {
	var resp struct {
		Message struct {
			Subject string    `json:"subject"`
			Seq     uint64    `json:"seq"`
			Header  []byte    `json:"hdrs"`
			Data    []byte    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
	}
	err := b.api(ctx, "STREAM.MSG.GET."+stream, wanted{Last: subject}, &resp)
	var api *jetstream.APIError
	if errors.As(err, &api) && api.Code == http.StatusNotFound && api.ErrorCode == jetstream.JSErrCodeMessageNotFound {
		return nil, fmt.Errorf("%s: %w", subject, engine.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	m := resp.Message
	e := &kept{subject: m.Subject, seq: m.Seq, time: m.Time, data: m.Data}
	if len(m.Header) > 0 {
		if e.header, err = nats.DecodeHeadersMsg(m.Header); err != nil {
			return nil, fmt.Errorf("read the header of message %d of %s: %w", m.Seq, stream, err)
		}
	}
	return e, nil
}

// pick asks for single messages, all at once; what is not there is nil. A replica
// that is behind may answer.
func (b *Bus) pick(ctx context.Context, stream string, wants []wanted) ([]*kept, error) {
	all := make([]*kept, len(wants))
	err := tries(ctx, func(ctx context.Context) error {
		return b.ask(ctx, stream, wants, func(i int, m *nats.Msg) (bool, error) {
			if m.Header.Get("Status") == "404" {
				return true, nil
			}
			e, err := directEntry(m)
			all[i] = e
			return true, err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", stream, err)
	}
	return all, nil
}

// gather asks for several messages with one request: the next after a sequence, or
// the last of subjects. A replica that is behind may answer.
func (b *Bus) gather(ctx context.Context, stream string, w wanted) ([]*kept, error) {
	var all []*kept
	err := tries(ctx, func(ctx context.Context) error {
		all = all[:0]
		return b.ask(ctx, stream, []wanted{w}, func(_ int, m *nats.Msg) (bool, error) {
			switch m.Header.Get("Status") {
			case "204", "404": // the end, or nothing
				return true, nil
			}
			e, err := directEntry(m)
			all = append(all, e)
			return false, err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", stream, err)
	}
	return all, nil
}

// ask makes direct gets and hands over the answers; f tells which was the last of
// its request.
func (b *Bus) ask(ctx context.Context, stream string, wants []wanted, f func(int, *nats.Msg) (bool, error)) error {
	ctx, end := b.guard(ctx, apiPrefix+"DIRECT.GET."+stream)
	return end(b.askAll(ctx, stream, wants, f))
}

func (b *Bus) askAll(ctx context.Context, stream string, wants []wanted, f func(int, *nats.Msg) (bool, error)) error {
	inbox := b.nc.NewInbox()
	answers := make(chan *nats.Msg, len(wants)+maxSubjects+directBatch) // none is dropped
	sub, err := b.nc.ChanSubscribe(inbox+".*", answers)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }() // of a connection that may be closed
	for i, w := range wants {
		data, err := json.Marshal(w)
		if err != nil {
			return err
		}
		if err := b.nc.PublishRequest(apiPrefix+"DIRECT.GET."+stream, inbox+"."+strconv.Itoa(i), data); err != nil {
			return err
		}
	}
	for open := len(wants); open > 0; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case m := <-answers:
			i, err := strconv.Atoi(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:])
			if err != nil || i >= len(wants) {
				continue // not an answer
			}
			last, err := f(i, m)
			if err != nil {
				return err
			}
			if last {
				open--
			}
		}
	}
	return nil
}

// directEntry reads an answer to a direct get.
func directEntry(m *nats.Msg) (*kept, error) {
	if status := m.Header.Get("Status"); status != "" {
		if status == "503" {
			return nil, nats.ErrNoResponders
		}
		return nil, fmt.Errorf("status %s: %s", status, m.Header.Get("Description"))
	}
	seq, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("read a sequence: %w", err)
	}
	at, err := time.Parse(time.RFC3339Nano, m.Header.Get(jetstream.TimeStampHeaer))
	if err != nil {
		return nil, fmt.Errorf("read a time: %w", err)
	}
	return &kept{subject: m.Header.Get(jetstream.SubjectHeader), seq: seq, time: at, header: m.Header, data: m.Data}, nil
}
