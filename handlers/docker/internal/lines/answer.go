package lines

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// maxMessage cuts what an answer says for people, in bytes.
const maxMessage = 1000

// An answerer writes answers, without copying large values.
type answerer struct {
	to     io.Writer
	buffer []byte
}

func (w *answerer) write(r reply) error {
	b := w.buffer[:0]
	switch {
	case r.err != nil:
		b = append(b, refused(r.err)...)
	case r.value == nil:
		b = append(b, `{"ok":true}`...)
	default:
		b = append(b, `{"ok":true,"value":`...)
		if len(r.value) > keptBytes {
			_, err := (&net.Buffers{b, r.value, []byte("}\n")}).WriteTo(w.to)
			return err
		}
		b = append(append(b, r.value...), '}')
	}
	w.buffer = append(b, '\n')
	_, err := w.to.Write(w.buffer)
	return err
}

// refused is the answer to a request that failed.
func refused(err error) []byte {
	answer := abi.Answer{Error: abi.WordUnavailable, Message: message(err)}
	var code abi.Code
	switch {
	case errors.Is(err, wasmhost.ErrPaused):
		answer.Error = abi.WordPaused
	case errors.As(err, &code):
		answer.Error = code.Word()
	}
	data, err := json.Marshal(answer)
	if err != nil { // never: these are strings
		return []byte(`{"ok":false,"error":"unavailable"}`)
	}
	return data
}

// message is what an error says, cut.
func message(err error) string {
	text := err.Error()
	if len(text) <= maxMessage {
		return text
	}
	end := maxMessage
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
