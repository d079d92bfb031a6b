package lines

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzParse compares the members found in a line with those that encoding/json
// finds, and wants nothing but JSON objects without repeated names taken.
func FuzzParse(f *testing.F) {
	for _, line := range []string{
		`{"op":"input"}`, ` { "op" : "a" , "b" : [1, {"c":"}\""}] , "d":-1.5e3,"e":null } `, `{"op":"x","\u006fp":1}`, `{"op":"a","b":1,"b":2}`,
		"null", "[]", "{}", `{"op":{}}`, "\xff", `{"op":"a","s":"\\"}`, `{"op":"a","t":true}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		before := bytes.Clone(line)
		var room [maxMembers]member
		r, err := parse(line, room[:])
		if !bytes.Equal(line, before) {
			t.Fatalf("%q became %q", before, line)
		}
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatalf("%q: it was taken: %v", line, err)
		}
		if len(want) != len(r.members) {
			t.Fatalf("%q: got %d members, want %d", line, len(r.members), len(want))
		}
		for _, m := range r.members {
			if value, ok := want[m.name]; !ok || !bytes.Equal(value, m.value) {
				t.Fatalf("%q: member %q: got %q, want %q", line, m.name, m.value, value)
			}
		}
	})
}
