package natsbus

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// apiPrefix begins the subjects of JetStream's API.
const apiPrefix = "$JS.API."

// lookup names one message of a stream.
type lookup struct {
	Seq  uint64 `json:"seq,omitempty"`          // from here on
	Next string `json:"next_by_subj,omitempty"` // the first whose subject matches
	Last string `json:"last_by_subj,omitempty"` // the last whose subject matches
}

// record is a stored message.
type record struct {
	Subject string `json:"subject"`
	Seq     uint64 `json:"seq"`
	Raw     []byte `json:"hdrs"`
	Data    []byte `json:"data"`
	header  nats.Header
}

// look reads a message through the stream's leader: it sees all that was
// acknowledged. Without one the error is engine.ErrNotFound.
func (b *Bus) look(ctx context.Context, stream string, l lookup) (*record, error) {
	query, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("look into stream %s: %w", stream, err)
	}
	var found *record
	err = tries(ctx, func(ctx context.Context) error {
		found, err = b.lookOnce(ctx, stream, query)
		return err
	})
	return found, err
}

func (b *Bus) lookOnce(ctx context.Context, stream string, query []byte) (*record, error) {
	answer, err := b.request(ctx, &nats.Msg{Subject: apiPrefix + "STREAM.MSG.GET." + stream, Data: query})
	if err != nil {
		return nil, err
	}
	var found struct {
		Message *record             `json:"message"`
		Error   *jetstream.APIError `json:"error"`
	}
	switch err := json.Unmarshal(answer.Data, &found); {
	case err != nil:
		return nil, fmt.Errorf("look into stream %s: %w", stream, err)
	case found.Error != nil && found.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return nil, jetstream.ErrMsgNotFound
	case found.Error != nil:
		return nil, found.Error
	case found.Message == nil:
		return nil, fmt.Errorf("look into stream %s: the answer holds no message", stream)
	}
	if len(found.Message.Raw) > 0 {
		if found.Message.header, err = nats.DecodeHeadersMsg(found.Message.Raw); err != nil {
			return nil, fmt.Errorf("look into stream %s: %w", stream, err)
		}
	}
	return found.Message, nil
}
