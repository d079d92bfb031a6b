package termtest_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/internal/term/termtest"
)

func TestScreen(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ sent, want string }{
		{"one\r\ntwo", "one\ntwo"},
		{"12345678901", "1234567890\n1"},
		{"\x1b[?7l12345678901", "1234567891"},
		{"a\r\nb\r\nc\r\nd", "b\nc\nd"},
		{"old line\x1b[H\x1b[Knew", "new"},
		{"a\r\nb\r\n\x1b[2A\r\x1b[Jc", "c"},
		{"first\x1b[?1049hother\x1b[?1049l", "first"},
		{"\x1b[31mred\x1b[0m", "red"},
	} {
		s := termtest.NewScreen(10, 3)
		for _, b := range []byte(test.sent) { // however it comes
			_, _ = s.Write([]byte{b})
		}
		if got := s.Text(); got != test.want || len(s.Faults) > 0 {
			t.Errorf("%q: got\n%s\nwant\n%s\nfaults %q", test.sent, got, test.want, s.Faults)
		}
	}
	s := termtest.NewScreen(10, 3)
	_, _ = s.Write([]byte("\x1b[5;5H\x1b]0;title\a\x00"))
	if len(s.Faults) < 3 {
		t.Errorf("faults %q, want those of three sequences", s.Faults)
	}
}
