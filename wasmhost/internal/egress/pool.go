package egress

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// maxResponseHeader bounds what a server sends as header, in bytes.
const maxResponseHeader = 1 << 20

// pool keeps connections. net/http's transport tells connections apart by the
// URL's scheme and host; its requests here carry a [pin] as host, so that the
// address is part of what it tells apart.
type pool struct {
	transport   *http.Transport
	tls         *tls.Config
	dialTimeout time.Duration
	dial        func(ctx context.Context, network, address string) (net.Conn, error) // nil but in tests
}

func newPool(config Config) *pool {
	p := &pool{
		tls:         &tls.Config{RootCAs: config.RootCAs, MinVersion: tls.VersionTLS12},
		dialTimeout: config.DialTimeout,
	}
	p.transport = &http.Transport{
		Proxy:                  nil, // the environment's would see, and reach, what the rules deny
		DialContext:            p.dialPlain,
		DialTLSContext:         p.dialTLS,
		DisableCompression:     true,
		MaxIdleConns:           config.IdleConns,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: maxResponseHeader,
	}
	return p
}

// send sends one hop over a connection that is pinned to addr.
func (p *pool) send(ctx context.Context, h hop, addr netip.Addr) (*http.Response, error) {
	request, err := newRequest(ctx, h)
	if err != nil {
		return nil, err
	}
	request.URL.Host = net.JoinHostPort(makePin(h.target, addr), h.target.port)
	return p.transport.RoundTrip(request)
}

// makePin names an address and, unless the URL names it, the name that it was
// resolved from: "c0000201.example.com", "c0000201".
func makePin(t target, addr netip.Addr) string {
	pin := hex.EncodeToString(addr.AsSlice())
	if _, literal := t.literal(); !literal {
		pin += "." + t.host
	}
	return pin
}

// readPin takes apart what makePin made; address has the port.
func readPin(hostPort string) (address netip.AddrPort, name string, err error) {
	pin, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return netip.AddrPort{}, "", err
	}
	digits, name, _ := strings.Cut(pin, ".")
	octets, err := hex.DecodeString(digits)
	if err != nil {
		return netip.AddrPort{}, "", err
	}
	addr, ok := netip.AddrFromSlice(octets)
	if !ok {
		return netip.AddrPort{}, "", fmt.Errorf("pin %q has no address", pin)
	}
	if name == "" {
		name = addr.String()
	}
	address, err = netip.ParseAddrPort(net.JoinHostPort(addr.String(), port))
	return address, name, err
}

// dialError says that no connection was made, so that nothing was sent.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

func (p *pool) dialPlain(ctx context.Context, network, pinned string) (net.Conn, error) {
	address, _, err := readPin(pinned)
	if err != nil {
		return nil, err
	}
	return p.connect(ctx, network, address)
}

// dialTLS verifies the server for the name that was resolved.
func (p *pool) dialTLS(ctx context.Context, network, pinned string) (net.Conn, error) {
	address, name, err := readPin(pinned)
	if err != nil {
		return nil, err
	}
	plain, err := p.connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := p.tls.Clone()
	config.ServerName = name
	conn := tls.Client(plain, config)
	ctx, cancel := context.WithTimeout(ctx, p.dialTimeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = plain.Close()
		return nil, fmt.Errorf("tls: %w", err)
	}
	return conn, nil
}

// connect reaches exactly this address: the socket's own view of where it goes
// is compared before it connects, and after.
func (p *pool) connect(ctx context.Context, network string, address netip.AddrPort) (net.Conn, error) {
	dialer := net.Dialer{
		Timeout: p.dialTimeout,
		Control: func(_, dialed string, _ syscall.RawConn) error { return samePlace(dialed, address) },
	}
	dial := dialer.DialContext
	if p.dial != nil {
		dial = p.dial
	}
	conn, err := dial(ctx, network, address.String())
	if err != nil {
		return nil, &dialError{err: err}
	}
	if err := samePlace(conn.RemoteAddr().String(), address); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

func samePlace(dialed string, want netip.AddrPort) error {
	got, err := netip.ParseAddrPort(dialed)
	if err != nil || got.Addr().Unmap() != want.Addr() || got.Port() != want.Port() {
		return fmt.Errorf("connection goes to %s instead of %s", dialed, want)
	}
	return nil
}
