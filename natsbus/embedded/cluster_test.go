package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// addresses are free ones. Whoever takes one meanwhile makes the test fail.
func addresses(tb testing.TB, n int) []string {
	tb.Helper()
	var all []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		all = append(all, l.Addr().String())
	}
	return all
}

// members are the configs of servers of one cluster, with the same credentials.
func members(tb testing.TB, n int) []embedded.Config {
	tb.Helper()
	dir, routes := tb.TempDir(), addresses(tb, n)
	all := make([]embedded.Config, n)
	for i := range all {
		all[i] = embedded.Config{
			Dir: filepath.Join(dir, fmt.Sprint("server-", i)), Listen: "127.0.0.1:0", Credentials: filepath.Join(dir, "credentials"),
			Users:   []embedded.User{{Name: "u", All: true}},
			Cluster: embedded.Cluster{Name: "c", Listen: routes[i], Routes: slices.Delete(slices.Clone(routes), i, i+1)},
		}
	}
	return all
}

func startAll(tb testing.TB, all []embedded.Config) []*embedded.Server {
	tb.Helper()
	servers := make([]*embedded.Server, len(all))
	for i, cfg := range all {
		servers[i] = start(tb, cfg)
	}
	for _, s := range servers {
		ready(tb, s)
	}
	return servers
}

func ready(tb testing.TB, s *embedded.Server) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		tb.Fatal(err)
	}
}

// publish publishes until it is acknowledged, as a cluster that changes its leader
// wants it.
func publish(tb testing.TB, js jetstream.JetStream, n int) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 30*time.Second)
	defer cancel()
	for {
		try, end := context.WithTimeout(ctx, time.Second)
		_, err := js.Publish(try, "s", []byte(fmt.Sprint(n)), jetstream.WithMsgID(fmt.Sprint(n)))
		end()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			tb.Fatalf("publish %d: %v", n, err)
		}
	}
}

// replicated makes a stream on all three servers. The one that leads hears of the
// others a moment after it is ready.
func replicated(tb testing.TB, js jetstream.JetStream) jetstream.Stream {
	tb.Helper()
	const noPeers jetstream.ErrorCode = 10005
	ctx, cancel := context.WithTimeout(tb.Context(), 30*time.Second)
	defer cancel()
	for {
		stream, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Replicas: 3})
		var refused *jetstream.APIError
		switch {
		case err == nil:
			return stream
		case !errors.As(err, &refused) || refused.ErrorCode != noPeers || ctx.Err() != nil:
			tb.Fatal(err)
		}
	}
}

func TestCluster(t *testing.T) {
	t.Parallel()
	configs := members(t, 3)
	servers := startAll(t, configs)
	urls := make([]string, len(servers))
	for i, s := range servers {
		urls[i] = s.ClientURL()
	}
	key, err := nats.NkeyOptionFromSeed(servers[0].Credentials("u"))
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(strings.Join(urls, ","), key, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js := streamOf(t, nc)
	stream := replicated(t, js)
	leader := slices.IndexFunc(servers, func(s *embedded.Server) bool { return s.Name() == stream.CachedInfo().Cluster.Leader })
	if leader < 0 {
		t.Fatalf("the leader is %q, none of the servers", stream.CachedInfo().Cluster.Leader)
	}
	n := 0
	more := func() {
		for range 50 {
			publish(t, js, n)
			n++
		}
	}
	more()
	servers[leader].Drain()
	more()
	servers[leader] = start(t, configs[leader])
	ready(t, servers[leader])
	servers[(leader+1)%3].Shutdown()
	more()
	check(t, js, n)
}

// check reads all that was published, from a stream that may have no leader for a
// moment.
func check(tb testing.TB, js jetstream.JetStream, n int) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 30*time.Second)
	defer cancel()
	for i := 0; i < n; {
		try, end := context.WithTimeout(ctx, time.Second)
		m, err := message(try, js, uint64(i+1))
		end()
		switch {
		case err == nil && string(m.Data) != fmt.Sprint(i):
			tb.Fatalf("message %d of %d is %q", i, n, m.Data)
		case err == nil:
			i++
		case ctx.Err() != nil || errors.Is(err, jetstream.ErrMsgNotFound):
			tb.Fatalf("message %d of %d: %v", i, n, err)
		}
	}
}

func message(ctx context.Context, js jetstream.JetStream, seq uint64) (*jetstream.RawStreamMsg, error) {
	stream, err := js.Stream(ctx, "S")
	if err != nil {
		return nil, err
	}
	return stream.GetMsg(ctx, seq)
}

// TestClusterRefusesStrangers starts a server that knows the routes, and not the
// secret.
func TestClusterRefusesStrangers(t *testing.T) {
	t.Parallel()
	configs := members(t, 3)
	stranger := configs[2]
	stranger.Credentials = t.TempDir()
	s := start(t, stranger)
	startAll(t, configs[:2])
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := s.Ready(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the server without the cluster's secret is ready: %v", err)
	}
}

func TestReadyTellsWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := start(t, members(t, 3)[0])
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := s.Ready(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "not ready") {
		t.Errorf("one of three: %v", err)
	}
	ready(t, start(t, embedded.Config{Dir: t.TempDir()}))
}

func TestNameStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, embedded.Config{Dir: dir})
	name := s.Name()
	s.Shutdown()
	if got := start(t, embedded.Config{Dir: dir}).Name(); got != name || name == "" {
		t.Errorf("server %q is %q after a restart", name, got)
	}
	if got := start(t, embedded.Config{Dir: t.TempDir(), Name: "mine"}).Name(); got != "mine" {
		t.Errorf("name %q, want mine", got)
	}
	if info, err := os.Stat(filepath.Join(dir, "credentials")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory of credentials: %v, %v", info, err)
	}
}
