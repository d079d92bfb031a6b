package embedded_test

import (
	"net"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	for name, test := range map[string]struct {
		cfg  embedded.Config
		want string
	}{
		"sync":              {embedded.Config{Sync: "never"}, `want "always" or none`},
		"store":             {embedded.Config{MaxStore: -1}, "want more than 0"},
		"every address":     {embedded.Config{Listen: "0.0.0.0:0"}, "other machines can connect there"},
		"a name":            {embedded.Config{Listen: "example.com:0"}, "other machines can connect there"},
		"IPv6":              {embedded.Config{Listen: "[::]:0"}, "other machines can connect there"},
		"exposed route":     {embedded.Config{Listen: "127.0.0.1:0", Cluster: embedded.Cluster{Name: "c", Listen: "0.0.0.0:0", Routes: []string{"a:1"}}}, "other machines can connect there"},
		"no host":           {embedded.Config{Listen: ":4222"}, "no host"},
		"no port":           {embedded.Config{Listen: "127.0.0.1"}, "want host:port"},
		"port":              {embedded.Config{Listen: "127.0.0.1:70000"}, "no number from 0 to 65535"},
		"port taken":        {embedded.Config{Listen: taken.Addr().String()}, "address already in use"},
		"route port taken":  {embedded.Config{Listen: "127.0.0.1:0", Cluster: embedded.Cluster{Name: "c", Listen: taken.Addr().String(), Routes: []string{"127.0.0.1:1"}}}, "address already in use"},
		"cert alone":        {embedded.Config{TLS: embedded.TLS{Cert: "x"}}, "give both or none"},
		"CA alone":          {embedded.Config{TLS: embedded.TLS{CA: "x"}}, "not a CA alone"},
		"verify without CA": {embedded.Config{TLS: embedded.TLS{Cert: "x", Key: "x", Verify: true}}, "needs the CA"},
		"no such files":     {embedded.Config{Listen: "0.0.0.0:0", TLS: embedded.TLS{Cert: "x", Key: "x"}}, "TLS: "},
		"user's name":       {embedded.Config{Users: []embedded.User{{Name: "../x"}}}, "to be one for a file"},
		"hidden user":       {embedded.Config{Users: []embedded.User{{Name: ".x"}}}, "to be one for a file"},
		"user twice":        {embedded.Config{Users: []embedded.User{{Name: "x"}, {Name: "x"}}}, "there twice"},
		"routes alone":      {embedded.Config{Cluster: embedded.Cluster{Routes: []string{"a:1"}}}, "needs a name"},
		"cluster's address": {embedded.Config{Cluster: embedded.Cluster{Name: "c", Routes: []string{"a:1"}}}, "needs an address"},
		"no clients":        {embedded.Config{Cluster: embedded.Cluster{Name: "c", Listen: "127.0.0.1:0", Routes: []string{"a:1"}}}, "an address for clients"},
		"no routes":         {embedded.Config{Cluster: embedded.Cluster{Name: "c", Listen: "127.0.0.1:0"}}, "the routes to them"},
		"a route":           {embedded.Config{Listen: "127.0.0.1:0", Cluster: embedded.Cluster{Name: "c", Listen: "127.0.0.1:0", Routes: []string{"a"}}}, "want host:port"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.cfg.Dir = t.TempDir()
			s, err := embedded.Start(t.Context(), test.cfg)
			if err == nil {
				s.Shutdown()
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want one with %q", err, test.want)
			}
			if s, err := embedded.Start(t.Context(), embedded.Config{Dir: test.cfg.Dir}); err != nil {
				t.Errorf("the directory is not given back: %v", err)
			} else {
				s.Shutdown()
			}
		})
	}
	if _, err := embedded.Start(t.Context(), embedded.Config{}); err == nil || !strings.Contains(err.Error(), "Config.Dir is empty") {
		t.Errorf("no directory: %v", err)
	}
}

func TestStartInTheClearWhenToldTo(t *testing.T) {
	t.Parallel()
	s := start(t, embedded.Config{Dir: t.TempDir(), Listen: "0.0.0.0:0", Insecure: true, Users: []embedded.User{{Name: "u", All: true}}})
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.ClientURL(), "nats://"))
	if err != nil || port == "0" {
		t.Errorf("client URL %q", s.ClientURL())
	}
}
