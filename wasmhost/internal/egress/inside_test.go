package egress

import (
	"context"
	"errors"
	"hash/fnv"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

func TestPatternMatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern string
		yes     []string
		no      []string
	}{
		{
			"example.com",
			[]string{"https://example.com", "http://EXAMPLE.com.", "https://example.com:443", "http://example.com:80"},
			[]string{"https://example.com:80", "http://example.com:443", "https://a.example.com", "https://notexample.com"},
		},
		{"example.com:8443", []string{"https://example.com:8443", "http://example.com:8443"}, []string{"https://example.com"}},
		{"http://example.com", []string{"http://example.com"}, []string{"https://example.com", "http://example.com:8080"}},
		{"example.com:*", []string{"http://example.com:1", "https://example.com:65535"}, []string{"http://example.org:1"}},
		{
			"*.example.com",
			[]string{"https://a.example.com", "http://a.b.example.com"},
			[]string{"https://example.com", "https://xexample.com", "https://a.example.com.evil.test", "https://a.example.com:1"},
		},
		{"*", []string{"https://a.test", "http://1.1.1.1", "http://[2606::1]"}, []string{"https://a.test:8443"}},
		{"bücher.example", []string{"https://xn--bcher-kva.example", "https://BÜCHER.example", "https://b%C3%BCcher.example"}, []string{"https://bucher.example"}},
		{"[::1]:80", []string{"http://[0:0::1]"}, []string{"http://[::2]"}},
	} {
		r, err := ParseRules([]string{test.pattern}, nil)
		if err != nil {
			t.Fatal(err)
		}
		check := func(url string, want bool) {
			target, err := parseTarget(url)
			if err != nil {
				t.Errorf("%s: %v", url, err)
				return
			}
			if err := r.allow(target); (err == nil) != want {
				t.Errorf("pattern %s, url %s: %v, want allowed %t", test.pattern, url, err, want)
			}
		}
		for _, url := range test.yes {
			check(url, true)
		}
		for _, url := range test.no {
			check(url, false)
		}
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	for name, addrs := range map[string]string{
		"unspecified":               "0.0.0.0 ::",
		"this network":              "0.0.0.1 0.255.255.255",
		"private":                   "10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255",
		"carrier-grade NAT":         "100.64.0.0 100.127.255.255",
		"loopback":                  "127.0.0.0 127.255.255.255 ::1",
		"cloud metadata":            "169.254.169.254",
		"link-local":                "169.254.0.0 169.254.255.255 fe80:: febf::1",
		"IETF protocol assignments": "192.0.0.0 192.0.0.255 2001:1::1 2001:1ff::",
		"documentation":             "192.0.2.0 192.0.2.255 198.51.100.1 203.0.113.255 2001:db8:: 2001:db8:ffff:: 3fff:: 3fff:fff::",
		"6to4 relay":                "192.88.99.1",
		"benchmarking":              "198.18.0.0 198.19.255.255 2001:2::",
		"multicast":                 "224.0.0.0 239.255.255.255 ff00:: ff02::1",
		"reserved":                  "240.0.0.0 255.255.255.254",
		"broadcast":                 "255.255.255.255",
		"IPv4-mapped":               "::ffff:10.0.0.1 ::ffff:8.8.8.8",
		"IPv4-compatible":           "::8.8.8.8",
		"NAT64":                     "64:ff9b:: 64:ff9b::808:808 64:ff9b:1::1",
		"discard":                   "100::1",
		"Teredo":                    "2001:: 2001:0:ffff::",
		"6to4":                      "2002:: 2002:ffff::1",
		"segment routing":           "5f00::1",
		"unique local":              "fc00:: fdff::1",
		"site-local":                "fec0:: feff::1",
		"not global unicast":        "1::1 4000::1 e000::1",
		"not a plain address":       "fe80::1%lo 2606::1%lo",
	} {
		for text := range strings.FieldsSeq(addrs) {
			addr := netip.MustParseAddr(text)
			if why := refuse(addr, nil); !strings.Contains(why, "("+name+")") {
				t.Errorf("%s: refused as %q, want %q", text, why, name)
			}
			_, _, never := classify(addr)
			everything := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
			if granted := refuse(addr, everything) == ""; granted == never {
				t.Errorf("%s: granted %t although never is %t", text, granted, never)
			}
		}
	}
	const public = "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.0.1 " +
		"169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 " +
		"198.20.0.0 223.255.255.255 2001:200::1 2003::1 2606:4700::1111 3ffe::1 2001:db7:ffff::"
	for text := range strings.FieldsSeq(public) {
		if why := refuse(netip.MustParseAddr(text), nil); why != "" {
			t.Errorf("%s: refused: %s", text, why)
		}
	}
}

func TestPinKeepsAddressAndName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ url, addr, address, name string }{
		{"https://a.test/", "192.0.2.1", "192.0.2.1:443", "a.test"},
		{"http://a.test:81/", "2001:db8::1", "[2001:db8::1]:81", "a.test"},
		{"https://192.0.2.1/", "192.0.2.1", "192.0.2.1:443", "192.0.2.1"},
		{"https://[2001:db8::1]/", "2001:db8::1", "[2001:db8::1]:443", "2001:db8::1"},
	} {
		target, err := parseTarget(test.url)
		if err != nil {
			t.Fatal(err)
		}
		pin := makePin(target, netip.MustParseAddr(test.addr))
		address, name, err := readPin(net.JoinHostPort(pin, target.port))
		if err != nil || address.String() != test.address || name != test.name {
			t.Errorf("%s: %s %s, error %v", test.url, address, name, err)
		}
	}
}

func TestConnectChecksWhereItGoes(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	client := NewClient(Config{})
	client.pool.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, listener.Addr().String()) // not where it was asked to
	}
	_, err = client.pool.connect(t.Context(), "tcp", netip.MustParseAddrPort("192.0.2.1:80"))
	if err == nil || !strings.Contains(err.Error(), "instead of 192.0.2.1:80") {
		t.Errorf("error %v", err)
	}
}

// anyName resolves each name to an address that the name determines.
type anyName []string

func (a anyName) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	h := fnv.New32a()
	h.Write([]byte(host))
	return []netip.Addr{netip.MustParseAddr(a[int(h.Sum32())%len(a)]), netip.MustParseAddr(a[0])}, nil
}

// FuzzURL looks at where requests would go: nothing is dialed that the rules do
// not allow, whatever URL and rules say.
func FuzzURL(f *testing.F) {
	for _, url := range []string{
		"https://example.com/x?y#z", "http://127.0.0.1:80/", "http://[::1]/", "http://a@b:80", "http://0x7f.1/",
		"http://b%C3%BCcher.example", "HTTP://EXAMPLE.com.", "http://[::ffff:10.0.0.1]", "http://a.example.com:8443", "file:///x",
		"https://169.254.169.254", "http://10.0.0.1:*", "http://\u212a.com",
	} {
		f.Add(url, "*:*", "")
		f.Add(url, "example.com\n*.example.com:8443\nhttp://127.0.0.1", "127.0.0.0/8\n::1")
		f.Add(url, url, "0.0.0.0/0")
	}
	resolver := anyName{"10.0.0.1", "93.184.215.14", "127.0.0.1", "::ffff:192.168.0.1", "2606:4700::1", "::1", "fe80::1", "0.0.0.0"}
	errDialed := errors.New("dialed")
	f.Fuzz(func(t *testing.T, url, hosts, networks string) {
		rules, err := ParseRules(lines(hosts), lines(networks))
		if err != nil {
			return
		}
		again, err := ParseRules(rules.Hosts, lines(networks))
		if err != nil || strings.Join(again.Hosts, " ") != strings.Join(rules.Hosts, " ") {
			t.Fatalf("rules %q became %q, error %v", rules.Hosts, again.Hosts, err)
		}
		client := NewClient(Config{Resolver: resolver})
		client.pool.dial = func(_ context.Context, _, address string) (net.Conn, error) {
			addr := netip.MustParseAddrPort(address).Addr()
			granted := false
			for _, network := range rules.Networks {
				granted = granted || network.Contains(addr)
			}
			private := addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast()
			if private && !granted || addr.IsUnspecified() || addr.IsMulticast() || addr.Is4In6() {
				t.Errorf("rules %+v, url %q: %s was dialed", rules, url, address)
			}
			if len(rules.Hosts) == 0 {
				t.Errorf("url %q was dialed without hosts", url)
			}
			return nil, errDialed
		}
		budget := &Budget{Requests: 1, Bytes: 1 << 20}
		if _, err := client.Do(t.Context(), rules, abi.HTTPRequest{URL: url}, budget); err == nil {
			t.Fatal("a request without a connection succeeded")
		}
	})
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}
