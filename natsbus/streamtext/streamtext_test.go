package streamtext_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
	"github.com/graflow/graflow-wasm/natsbus/streamtext"
)

// TestSame: what was read is written as it was, with gaps, headers and bytes that are
// no text.
func TestSame(t *testing.T) {
	t.Parallel()
	first, second := start(t), start(t)
	bus, err := natsbus.Open(t.Context(), natsbus.Config{Connect: first.Connect})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	if err := bus.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, m := range [][2]string{{"gf.cfg.a", "old"}, {"gf.cfg.b", "\xff\x00"}, {"gf.cfg.a", `{"new":"<1>"}`}, {"gf.dead.x", ""}} {
		if err := streamtext.Publish(t.Context(), first.Connect, m[0], []byte(m[1])); err != nil {
			t.Fatal(err)
		}
	}
	text := written(t, first)
	for _, want := range []string{`"seq":3,"subject":"gf.cfg.a","text":"{\"new\":\"<1>\"}"`, `"data":"/wA="`} {
		if !strings.Contains(text, want) {
			t.Errorf("the text has no %s", want)
		}
	}
	if strings.Contains(text, `"text":"old"`) || strings.Contains(text, "_nats.") {
		t.Errorf("the text has what was removed, or what the server added:\n%s", text)
	}
	if err := streamtext.Read(t.Context(), strings.NewReader(text), second.Connect); err != nil {
		t.Fatal(err)
	}
	if again := written(t, second); again != text {
		t.Errorf("read and written again it is\n%s\nwas\n%s", again, text)
	}
	if err := streamtext.Read(t.Context(), strings.NewReader(text), second.Connect); err == nil {
		t.Error("streams that hold something are made a second time")
	}
}

func start(t *testing.T) *embedded.Server {
	t.Helper()
	s, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Shutdown)
	return s
}

func written(t *testing.T, s *embedded.Server) string {
	t.Helper()
	var b strings.Builder
	if err := streamtext.Write(t.Context(), &b, s.Connect); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
