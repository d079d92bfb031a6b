package natsbus

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// TestLogTellsConnections stops a server and starts it again: the log says so, once.
func TestLogTellsConnections(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start := func(listen string) *embedded.Server {
		s, err := embedded.Start(t.Context(), embedded.Config{Dir: dir, Listen: listen, Logger: slog.New(slog.DiscardHandler), Users: []embedded.User{{Name: "u", All: true}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Shutdown)
		return s
	}
	s := start("127.0.0.1:0")
	log := &dialLog{news: make(chan struct{}, 64)}
	b, err := Open(t.Context(), Config{
		Connect: Dial(DialConfig{URL: s.ClientURL(), NKey: s.Credentials("u")}), Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	address := strings.TrimPrefix(s.ClientURL(), "nats://")
	lost, again := b.nc.StatusChanged(nats.RECONNECTING), b.nc.StatusChanged(nats.CONNECTED)
	s.Shutdown()
	receive(t, "the loss", lost)
	start(address)
	receive(t, "a connection", again)
	until(t, "the log says so", func() bool { return strings.Contains(log.String(), "connected to the cluster again") })
	if got := log.String(); strings.Count(got, "the connection to the cluster is lost") != 1 || strings.Count(got, "connected to the cluster again") != 1 || !strings.Contains(got, "after=") {
		t.Errorf("the log says\n%s", got)
	}
	b.Close()
	if got := log.String(); strings.Count(got, "is lost") != 1 {
		t.Errorf("the log says of a connection that was closed\n%s", got)
	}
}
