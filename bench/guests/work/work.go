// Package work is the one piece of work that every Go guest of the sandbox
// benchmark does; the guests differ only in how bytes come in and go out.
package work

import (
	"bytes"
	"encoding/json"
)

// Numbers is the input, as {"numbers":[1,2,3]}.
type Numbers struct {
	Numbers []float64 `json:"numbers"`
}

// Sum is the output, as {"sum":6}.
type Sum struct {
	Sum float64 `json:"sum"`
}

// Total adds up.
func Total(in Numbers) Sum {
	var out Sum
	for _, n := range in.Numbers {
		out.Sum += n
	}
	return out
}

// Bytes is Total from JSON to JSON, with the calls of encoding/json that the
// SDK makes for a task.
func Bytes(input []byte) ([]byte, error) {
	var in Numbers
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	return encode(Total(in))
}

// Echo decodes whatever the input is and encodes it again.
func Echo(input []byte) ([]byte, error) {
	var in any
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	return encode(in)
}

func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
