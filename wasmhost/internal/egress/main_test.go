package egress_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/egress"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// names is a resolver whose answers for a name follow one another, the last
// for ever. It records what it was asked.
type names struct {
	mutex   sync.Mutex // guards all below
	answers map[string][]string
	asked   []string
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.asked = append(n.asked, host)
	left := n.answers[host]
	if len(left) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(left) > 1 {
		n.answers[host] = left[1:]
	}
	return []netip.Addr{netip.MustParseAddr(left[0])}, nil
}

// loopback resolves each of the hosts to 127.0.0.1.
func loopback(hosts ...string) *names {
	answers := make(map[string][]string)
	for _, host := range hosts {
		answers[host] = []string{"127.0.0.1"}
	}
	return &names{answers: answers}
}

func newClient(t *testing.T, config egress.Config) *egress.Client {
	t.Helper()
	client := egress.NewClient(config)
	t.Cleanup(client.Close)
	return client
}

// serve starts a server on 127.0.0.1 and answers with its port.
func serve(t *testing.T, handler http.HandlerFunc) (port string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return portOf(t, server)
}

func portOf(t *testing.T, server *httptest.Server) string {
	t.Helper()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

func rules(t *testing.T, hosts []string, networks ...string) egress.Rules {
	t.Helper()
	r, err := egress.ParseRules(hosts, networks)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// local allows any host that resolves to 127.0.0.0/8.
func local(t *testing.T) egress.Rules {
	t.Helper()
	return rules(t, []string{"*:*"}, "127.0.0.0/8")
}

func plenty() *egress.Budget { return &egress.Budget{Requests: 100, Bytes: 64 << 20} }

func get(format string, args ...any) abi.HTTPRequest {
	return abi.HTTPRequest{URL: fmt.Sprintf(format, args...)}
}
