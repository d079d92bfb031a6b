package egress_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/egress"
)

// both is a resolver that answers with all of its addresses.
type both []string

func (b both) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	var addrs []netip.Addr
	for _, text := range b {
		addrs = append(addrs, netip.MustParseAddr(text))
	}
	return addrs, nil
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func denied(t *testing.T, err error, part string) {
	t.Helper()
	var denial *egress.DeniedError
	if !errors.As(err, &denial) {
		t.Errorf("error %v, want a DeniedError with %q", err, part)
		return
	}
	if !strings.Contains(denial.Error(), part) {
		t.Errorf("error %q lacks %q", denial, part)
	}
}

func TestDoDeniesHostsBeforeResolving(t *testing.T) {
	t.Parallel()
	resolver := loopback("api.test", "other.test")
	client := newClient(t, egress.Config{Resolver: resolver})
	budget := plenty()
	_, err := client.Do(t.Context(), rules(t, []string{"api.test"}, "127.0.0.0/8"), get("http://other.test/"), budget)
	denied(t, err, "api.test")
	_, err = client.Do(t.Context(), egress.Rules{}, get("http://api.test/"), budget)
	denied(t, err, "no hosts are granted")
	_, err = client.Do(t.Context(), local(t), get("ftp://api.test/"), budget)
	denied(t, err, "only http and https")
	if len(resolver.asked) != 0 {
		t.Errorf("names %v were resolved", resolver.asked)
	}
	if budget.Requests != plenty().Requests {
		t.Error("a denied request was charged")
	}
}

func TestDoDeniesPrivateAddresses(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "0.0.0.0", "fd00::1"} {
		client := newClient(t, egress.Config{Resolver: both{addr}})
		_, err := client.Do(t.Context(), rules(t, []string{"*:*"}), get("http://evil.test:1/"), plenty())
		denied(t, err, "its address")
	}
	client := newClient(t, egress.Config{})
	_, err := client.Do(t.Context(), rules(t, []string{"*"}, "10.0.0.0/8"), get("http://127.0.0.1/"), plenty())
	denied(t, err, "loopback")
}

func TestDoSkipsForbiddenAddresses(t *testing.T) {
	t.Parallel()
	port := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	client := newClient(t, egress.Config{Resolver: both{"10.0.0.1", "::ffff:127.0.0.1"}})
	response, err := client.Do(t.Context(), local(t), get("http://two.test:%s/", port), plenty())
	if err != nil || string(response.Body) != "ok" {
		t.Errorf("body %q, error %v", response.Body, err)
	}
}

// A name that is checked at one address and then points to another.
func TestDoStopsRebinding(t *testing.T) {
	t.Parallel()
	reached := 0
	port := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		reached++
		w.Header().Set("Connection", "close") // so that the second request connects anew
	})
	resolver := &names{answers: map[string][]string{"evil.test": {"127.0.0.1", "10.0.0.1"}}}
	client := newClient(t, egress.Config{Resolver: resolver})
	if _, err := client.Do(t.Context(), local(t), get("http://evil.test:%s/", port), plenty()); err != nil {
		t.Fatal(err)
	}
	if len(resolver.asked) != 1 || reached != 1 {
		t.Errorf("one request resolved %v and reached the server %d times", resolver.asked, reached)
	}
	_, err := client.Do(t.Context(), local(t), get("http://evil.test:%s/", port), plenty())
	denied(t, err, "10.0.0.1")
	if !slices.Equal(resolver.asked, []string{"evil.test", "evil.test"}) || reached != 1 {
		t.Errorf("resolved %v, server reached %d times", resolver.asked, reached)
	}
}

// A connection that one attempt opened stays closed to one with less rights.
func TestDoSharesConnectionsWithinRules(t *testing.T) {
	t.Parallel()
	remotes := make(map[string]int)
	port := serve(t, func(w http.ResponseWriter, r *http.Request) { remotes[r.RemoteAddr]++ })
	client := newClient(t, egress.Config{Resolver: loopback("api.test", "twin.test")})
	for range 3 {
		if _, err := client.Do(t.Context(), local(t), get("http://api.test:%s/", port), plenty()); err != nil {
			t.Fatal(err)
		}
	}
	if len(remotes) != 1 {
		t.Errorf("3 requests took connections %v, want one", remotes)
	}
	narrow := rules(t, []string{"*:*"})
	_, err := client.Do(t.Context(), narrow, get("http://api.test:%s/", port), plenty())
	denied(t, err, "loopback")
	if _, err := client.Do(t.Context(), local(t), get("http://twin.test:%s/", port), plenty()); err != nil {
		t.Fatal(err)
	}
	if len(remotes) != 2 {
		t.Errorf("another name at the same address shared the connection: %v", remotes)
	}
}
