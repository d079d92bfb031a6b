package extism

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// request is what a plug-in asks for, in JSON.
type request struct {
	URL     string            `json:"url"`
	Method  string            `json:"method"`
	Headers map[string]string `json:"headers"`
	Header  map[string]string `json:"header"` // as older PDKs write it
}

// response is what the last request got.
type response struct {
	status int
	header map[string]string
}

// httpRequest takes the blocks of request and body over, and answers with the
// response's body, or 0 if it is empty.
func httpRequest(ctx context.Context, s *State, args []uint64) {
	s.response = response{}
	var wanted request
	if err := json.Unmarshal(s.memory.block(args[0]), &wanted); err != nil {
		trap(err, "the http request is not JSON")
	}
	if s.config.HTTP == nil {
		trap(abi.Denied, "http")
	}
	if wanted.Headers == nil {
		wanted.Headers = wanted.Header
	}
	got, err := s.config.HTTP(ctx, abi.HTTPRequest{
		Method: strings.ToUpper(wanted.Method),
		URL:    wanted.URL,
		Header: wanted.Headers,
		Body:   bytes.Clone(s.memory.block(args[1])),
	})
	if err != nil {
		trap(err, "http")
	}
	s.response = response{status: got.Status, header: make(map[string]string, len(got.Header))}
	for name, values := range got.Header {
		s.response.header[strings.ToLower(name)] = strings.Join(values, ",")
	}
	s.memory.release(args[0])
	s.memory.release(args[1])
	args[0] = s.memory.write(got.Body)
}

func httpStatusCode(_ context.Context, s *State, args []uint64) {
	args[0] = uint64(uint32(s.response.status))
}

// httpHeaders answers with a JSON object, names in lower case.
func httpHeaders(_ context.Context, s *State, args []uint64) {
	header := s.response.header
	if header == nil {
		header = map[string]string{}
	}
	text, err := json.Marshal(header)
	if err != nil {
		trap(err, "http headers")
	}
	args[0] = s.memory.write(text)
}
