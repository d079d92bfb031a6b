package term //nolint:testpackage // what is read from a terminal is not told otherwise

import (
	"slices"
	"testing"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		sent string
		want []Key
	}{
		{"q", []Key{"q"}},
		{"sr", []Key{"s", "r"}},
		{"\x1b[A\x1bOB", []Key{KeyUp, KeyDown}},
		{"\x1b[5~\x1b[6~x", []Key{KeyPageUp, KeyPageDown, "x"}},
		{"\x1b[Z\t", []Key{KeyBackTab, KeyTab}},
		{"\x1b", []Key{KeyEscape}},
		{"\x1bx", []Key{""}},
		{"\x1b[1;5A", []Key{""}},
		{"\x1b[200", []Key{""}},
		{"\x03\x1a\r", []Key{KeyCtrlC, KeyCtrlZ, KeyEnter}},
		{"é", []Key{"é"}},
		{"\xff", []Key{""}},
		{"\x00\x7f", []Key{"", ""}},
	} {
		var got []Key
		for rest := []byte(test.sent); len(rest) > 0; {
			key, n := decode(rest)
			got, rest = append(got, key), rest[n:]
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%q: got %q, want %q", test.sent, got, test.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x1b[5~q"))
	f.Add([]byte("\x1b["))
	f.Add([]byte("\x1bO"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for len(data) > 0 {
			_, n := decode(data)
			if n < 1 || n > len(data) {
				t.Fatalf("decode(%q) takes %d bytes", data, n)
			}
			data = data[n:]
		}
	})
}
