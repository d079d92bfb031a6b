package embedded_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

func start(tb testing.TB, cfg embedded.Config) *embedded.Server {
	tb.Helper()
	s, err := embedded.Start(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Shutdown)
	return s
}

func connect(tb testing.TB, s *embedded.Server) *nats.Conn {
	tb.Helper()
	nc, err := s.Connect()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nc.Close)
	return nc
}

func streamOf(tb testing.TB, nc *nats.Conn) jetstream.JetStream {
	tb.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		tb.Fatal(err)
	}
	return js
}

func TestKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, embedded.Config{Dir: dir})
	if got := s.ClientURL(); got != "" {
		t.Errorf("client URL %q of a server that does not listen, want none", got)
	}
	js := streamOf(t, connect(t, s))
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "s", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	s.Shutdown()

	began := time.Now()
	stream, err := streamOf(t, connect(t, start(t, embedded.Config{Dir: dir}))).Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetLastMsgForSubject(t.Context(), "s")
	if err != nil || string(m.Data) != "kept" {
		t.Errorf("after a restart: %v, %v", m, err)
	}
	t.Logf("started again and read in %s", time.Since(began))
}

// BenchmarkStart is from nothing to the first message that is stored.
func BenchmarkStart(b *testing.B) {
	for name, cfg := range map[string]embedded.Config{
		"in process": {}, "listening": {Listen: "127.0.0.1:0"}, "always": {Sync: embedded.SyncAlways},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				cfg.Dir = b.TempDir()
				s, err := embedded.Start(b.Context(), cfg)
				if err != nil {
					b.Fatal(err)
				}
				firstPublish(b, s)
				s.Shutdown()
			}
		})
	}
}

func firstPublish(b *testing.B, s *embedded.Server) {
	b.Helper()
	nc, err := s.Connect()
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	js := streamOf(b, nc)
	if _, err := js.CreateStream(b.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		b.Fatal(err)
	}
	if _, err := js.Publish(b.Context(), "s", nil); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkConnect is a connection, with what the server says to the first word.
func BenchmarkConnect(b *testing.B) {
	s := start(b, embedded.Config{Dir: b.TempDir(), Listen: "127.0.0.1:0", Users: []embedded.User{{Name: "u", All: true}}})
	key, err := nats.NkeyOptionFromSeed(s.Credentials("u"))
	if err != nil {
		b.Fatal(err)
	}
	for name, connect := range map[string]func() (*nats.Conn, error){
		"in process": func() (*nats.Conn, error) { return s.Connect() },
		"loopback":   func() (*nats.Conn, error) { return nats.Connect(s.ClientURL(), key) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				nc, err := connect()
				if err != nil {
					b.Fatal(err)
				}
				if err := nc.Flush(); err != nil {
					b.Fatal(err)
				}
				nc.Close()
			}
		})
	}
}

// BenchmarkPublish is an acknowledged message, in process.
func BenchmarkPublish(b *testing.B) {
	for name, sync := range map[string]embedded.Sync{"default": embedded.SyncDefault, "always": embedded.SyncAlways} {
		b.Run(name, func(b *testing.B) {
			js := streamOf(b, connect(b, start(b, embedded.Config{Dir: b.TempDir(), Sync: sync})))
			if _, err := js.CreateStream(b.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
				b.Fatal(err)
			}
			data := make([]byte, 200)
			for b.Loop() {
				if _, err := js.Publish(b.Context(), "s", data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
