package natsbus

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/internal/loopback"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

func TestDialFaults(t *testing.T) {
	t.Parallel()
	s, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Shutdown)
	foreign, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir(), Users: []embedded.User{{Name: "u", All: true}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(foreign.Shutdown)
	broken := filepath.Join(t.TempDir(), "broken.nk")
	if err := os.WriteFile(broken, []byte("no seed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		cfg         DialConfig
		unreachable bool
		want        string // part of the error
	}{
		"nothing there":    {cfg: DialConfig{URL: "nats://" + loopback.Free(t)}, unreachable: true, want: "see that a server runs there"},
		"several, none":    {cfg: DialConfig{URL: loopback.Free(t) + "," + loopback.Free(t)}, unreachable: true, want: ",nats://127.0.0.1:"},
		"silent":           {cfg: DialConfig{URL: silent(t)}, unreachable: true, want: "see that a server runs there"},
		"no user":          {cfg: DialConfig{URL: s.ClientURL()}, want: "the server refuses who has no key"},
		"wrong password":   {cfg: DialConfig{URL: strings.Replace(s.ClientURL(), "://", "://me:hidden@", 1)}, want: "another password"},
		"another's key":    {cfg: DialConfig{URL: s.ClientURL(), NKey: foreign.Credentials("u")}, want: "the server refuses the key in"},
		"no such file":     {cfg: DialConfig{URL: s.ClientURL(), NKey: broken + "x"}, want: "read the user's seed: open"},
		"no seed":          {cfg: DialConfig{URL: s.ClientURL(), NKey: broken}, want: "it is to hold the seed of a user"},
		"no credentials":   {cfg: DialConfig{URL: s.ClientURL(), Creds: broken}, want: "read the credentials"},
		"both":             {cfg: DialConfig{URL: s.ClientURL(), Creds: broken, NKey: broken}, want: "give one of them"},
		"cert without key": {cfg: DialConfig{URL: s.ClientURL(), Cert: broken}, want: "give both or none"},
		"no CA file":       {cfg: DialConfig{URL: s.ClientURL(), CA: broken + "x"}, want: "broken.nkx"},
		"no TLS":           {cfg: DialConfig{URL: strings.Replace(s.ClientURL(), "nats:", "tls:", 1)}, want: "the server has no TLS"},
		"no address":       {cfg: DialConfig{}, want: "give one such as nats://host:4222"},
		"a scheme":         {cfg: DialConfig{URL: "http://me:hidden@host"}, want: `the scheme is "http"`},
		"no URL":           {cfg: DialConfig{URL: "nats://me:hid%zz@host"}, want: "is no URL"},
		"no host":          {cfg: DialConfig{URL: "nats://:4222"}, want: "no host"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nc, err := Dial(test.cfg)(nats.Timeout(500 * time.Millisecond))
			if err == nil {
				nc.Close()
				t.Fatal("connected")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want one with %q", err, test.want)
			}
			if strings.Contains(err.Error(), "hid") {
				t.Errorf("error %q tells the password", err)
			}
			if got := errors.Is(err, ErrUnreachable); got != test.unreachable {
				t.Errorf("error %q is ErrUnreachable: %t, want %t", err, got, test.unreachable)
			}
		})
	}
}

// silent is the address of what takes connections and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// TestDialTellsViolations sees that what a user may not do reaches the log: the call
// itself has no answer.
func TestDialTellsViolations(t *testing.T) {
	t.Parallel()
	s, err := embedded.Start(t.Context(), embedded.Config{
		Dir: t.TempDir(), Listen: "127.0.0.1:0",
		Users: []embedded.User{{Name: "u", Publish: []string{"allowed"}, Subscribe: []string{inboxPrefix + "{{subject()}}.>", "allowed"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Shutdown)
	log := &dialLog{news: make(chan struct{}, 8)}
	nc, err := Dial(DialConfig{URL: s.ClientURL(), NKey: s.Credentials("u"), Logger: slog.New(slog.NewTextHandler(log, nil))})()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	sub, err := nc.SubscribeSync("allowed")
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"refused", "allowed"} {
		if err := nc.PublishRequest(subject, nc.NewInbox(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if m, err := sub.NextMsgWithContext(t.Context()); err != nil || !strings.HasPrefix(m.Reply, inboxPrefix+"U") {
		t.Errorf("what is allowed: %+v, %v", m, err)
	}
	<-log.news
	if got := log.String(); !strings.Contains(got, `Publish to \"refused\"`) || !strings.Contains(got, "credentials of the right role") {
		t.Errorf("the log says %q", got)
	}
}

// dialLog is a log that tells when there is a line.
type dialLog struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
	news chan struct{}
}

func (l *dialLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() { l.news <- struct{}{} }()
	return l.text.Write(p)
}

func (l *dialLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
