package embedded_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// as connects from outside as a user.
func as(tb testing.TB, s *embedded.Server, user string, options ...nats.Option) *nats.Conn {
	tb.Helper()
	key, err := nats.NkeyOptionFromSeed(s.Credentials(user))
	if err != nil {
		tb.Fatal(err)
	}
	nc, err := nats.Connect(s.ClientURL(), append(options, key)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nc.Close)
	return nc
}

func TestCredentialsStay(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Dir: filepath.Join(t.TempDir(), "new", "dir"), Users: []embedded.User{{Name: "a"}, {Name: "b"}}}
	s := start(t, cfg)
	seeds := map[string][]byte{}
	for _, user := range []string{"a", "b"} {
		file := s.Credentials(user)
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %v, %v, want mode 0600", file, info, err)
		}
		if seeds[user], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	if bytes.Equal(seeds["a"], seeds["b"]) {
		t.Error("two users with one seed")
	}
	err := filepath.WalkDir(cfg.Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Base(path)[0] == '.' {
			t.Errorf("%s was left", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	s.Shutdown()
	s = start(t, cfg)
	for user, want := range seeds {
		if got, err := os.ReadFile(s.Credentials(user)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("the seed of %s is another after a restart, %v", user, err)
		}
	}
}

func TestUsersMayDoWhatIsListed(t *testing.T) {
	t.Parallel()
	s := start(t, embedded.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Users: []embedded.User{
		{Name: "all", All: true},
		{Name: "some", Publish: []string{"in"}, Subscribe: []string{"out", "{{subject()}}.>"}},
		{Name: "mute", Subscribe: []string{"out"}},
		{Name: "none"},
		{Name: "deaf", Publish: []string{"in"}},
	}})
	for _, test := range []struct {
		user, publish, subscribe string
		want                     bool
	}{
		{user: "all", publish: "any", want: true},
		{user: "all", subscribe: "any.>", want: true},
		{user: "some", publish: "in", want: true},
		{user: "some", publish: "out"},
		{user: "some", publish: "in.more"},
		{user: "some", subscribe: "out", want: true},
		{user: "some", subscribe: "in"},
		{user: "some", subscribe: ">"},
		{user: "none", publish: "in"},
		{user: "none", subscribe: "out"},
		{user: "mute", publish: "in"},
		{user: "mute", subscribe: "out", want: true},
		{user: "deaf", publish: "in", want: true},
		{user: "deaf", subscribe: "out"},
	} {
		if got := permitted(t, s, test.user, test.publish, test.subscribe); got != test.want {
			t.Errorf("%+v: permitted %t", test, got)
		}
	}
}

// permitted tries something, and waits for what the server says to it.
func permitted(t *testing.T, s *embedded.Server, user, publish, subscribe string) bool {
	t.Helper()
	refused := make(chan error, 1)
	nc := as(t, s, user, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
	if publish != "" {
		if err := nc.Publish(publish, nil); err != nil {
			t.Fatal(err)
		}
	} else if _, err := nc.SubscribeSync(subscribe); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil { // the answer to it comes after the refusal
		t.Fatal(err)
	}
	if last := nc.LastError(); last == nil {
		return true
	}
	if err := <-refused; !errors.Is(err, nats.ErrPermissionViolation) {
		t.Errorf("%s, %s%s: %v", user, publish, subscribe, err)
	}
	return false
}

func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t, embedded.Config{Dir: t.TempDir(), Listen: "localhost:0", Users: []embedded.User{{Name: "u", All: true}}})
	other := start(t, embedded.Config{Dir: t.TempDir(), Users: []embedded.User{{Name: "u", All: true}}})
	foreign, err := nats.NkeyOptionFromSeed(other.Credentials("u"))
	if err != nil {
		t.Fatal(err)
	}
	for name, options := range map[string][]nats.Option{
		"nobody":     nil,
		"a password": {nats.UserInfo("server", "server")},
		"a key":      {foreign},
		"a token":    {nats.Token("x")},
	} {
		nc, err := nats.Connect(s.ClientURL(), append(options, nats.Timeout(time.Second))...)
		if !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s: %v, want %v", name, err, nats.ErrAuthorization)
		}
		if err == nil {
			nc.Close()
		}
	}
}

// TestOwnKeyIsOfNoUseOutside uses the key of this process from outside.
func TestOwnKeyIsOfNoUseOutside(t *testing.T) {
	t.Parallel()
	s := start(t, embedded.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	nc := connect(t, s)
	outside, err := nats.Connect(s.ClientURL(), nats.Nkey(nc.Opts.Nkey, nc.Opts.SignatureCB))
	if !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("connected from outside with the key of the process: %v", err)
	}
	if err == nil {
		outside.Close()
	}
}
