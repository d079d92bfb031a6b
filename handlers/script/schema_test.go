package script

import "testing"

// TestPositional wants one order of arguments, however a schema is written.
func TestPositional(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{
		`{"type":"object","required":["query","limit"],"properties":{"query":{"type":"string"},"limit":{},"b":{},"a":{}}}`,
		`{"properties":{"a":{},"b":{},"limit":{},"query":{"type":"string"}},"required":["query","limit"],"type":"object"}`,
	} {
		want := `{"properties":{"query":{"type":"string"},"limit":{},"a":{},"b":{}},"required":["query","limit"],"type":"object"}`
		if got := string(positional([]byte(schema))); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for _, schema := range []string{``, `true`, `{"type":"string"}`, `{"properties":3}`} {
		if got := string(positional([]byte(schema))); got != schema {
			t.Errorf("got %s, want %s as it is", got, schema)
		}
	}
}
