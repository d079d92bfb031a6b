package streamtext

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Connect makes a connection that may do everything.
type Connect func(...nats.Option) (*nats.Conn, error)

// line is one line of text: a stream, or a message of the stream before it.
type line struct {
	Stream  *stream  `json:"stream,omitempty"`
	Message *message `json:"message,omitempty"`
}

type stream struct {
	Config    jetstream.StreamConfig     `json:"config"`
	Consumers []jetstream.ConsumerConfig `json:"consumers,omitempty"` // durable ones
	Last      uint64                     `json:"last"`                // sequence, also of what was removed
}

// message has its bytes as text where they are text.
type message struct {
	Seq     uint64      `json:"seq"`
	Subject string      `json:"subject"`
	Header  nats.Header `json:"header,omitempty"`
	Text    string      `json:"text,omitempty"`
	Data    []byte      `json:"data,omitempty"`
}

func newMessage(m *jetstream.RawStreamMsg) *message {
	out := &message{Seq: m.Sequence, Subject: m.Subject}
	for name, values := range m.Header {
		if kept(name) {
			if out.Header == nil {
				out.Header = nats.Header{}
			}
			out.Header[name] = values
		}
	}
	if utf8.Valid(m.Data) {
		out.Text = string(m.Data)
	} else {
		out.Data = m.Data
	}
	return out
}

func (m *message) bytes() []byte {
	if m.Text != "" {
		return []byte(m.Text)
	}
	return m.Data
}

// settings are those of a stream without what a server has added.
func settings(c jetstream.StreamConfig) jetstream.StreamConfig {
	for key := range c.Metadata {
		if serversOwn(key) {
			delete(c.Metadata, key)
		}
	}
	return c
}

func serversOwn(key string) bool { return strings.HasPrefix(key, "_nats.") }

// kept tells whether a header says what a message is: others told the server what to
// expect when it was published, or come from the server that was asked.
func kept(header string) bool {
	return !strings.HasPrefix(header, "Nats-") || header == jetstream.MsgTTLHeader
}

// compact is a value on a line, with < and > as they are.
func compact(v any) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return []byte(b.String()), err
}
