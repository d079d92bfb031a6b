package egress

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// maxRedirects is how often one request may be redirected.
const maxRedirects = 10

// Resolver finds the addresses of a name; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Config sets up a Client; the zero value is the default.
type Config struct {
	Resolver    Resolver       // nil: net.DefaultResolver
	RootCAs     *x509.CertPool // nil: the system's
	DialTimeout time.Duration  // for one address, and again for TLS; 0: 10s
	IdleConns   int            // kept in all; 0: 64
}

// Client sends requests. It is safe for concurrent use.
type Client struct {
	resolver Resolver
	pool     *pool
}

// NewClient makes a Client. Close it to drop the connections that it keeps.
func NewClient(config Config) *Client {
	if config.Resolver == nil {
		config.Resolver = net.DefaultResolver
	}
	if config.DialTimeout <= 0 {
		config.DialTimeout = 10 * time.Second
	}
	if config.IdleConns <= 0 {
		config.IdleConns = 64
	}
	return &Client{resolver: config.Resolver, pool: newPool(config)}
}

// Close drops idle connections. Requests under way go on.
func (c *Client) Close() { c.pool.transport.CloseIdleConnections() }

// Do sends a request, follows redirects, and reads the whole response, at most
// until ctx ends; it has no time limit of its own. What it sends and receives is
// taken from the budget; a nil budget is an empty one.
//
// A *[DeniedError] says that the rules do not allow the request or a redirect;
// errors.Is finds abi.Invalid when the request itself is wrong, abi.TooLarge
// when the budget is used up, [ErrTooManyRedirects], or the context's error.
// Any other error is of the network or the server.
func (c *Client) Do(
	ctx context.Context, rules Rules, request abi.HTTPRequest, budget *Budget,
) (abi.HTTPResponse, error) {
	if budget == nil {
		budget = &Budget{}
	}
	next, err := firstHop(request)
	if err != nil {
		return abi.HTTPResponse{}, err
	}
	for range 1 + maxRedirects {
		response, err := c.send(ctx, rules, next, budget)
		if err != nil {
			return abi.HTTPResponse{}, err
		}
		following, ok, err := next.redirect(response)
		if err == nil && !ok {
			return receive(ctx, response, next, budget)
		}
		spent := budget.discard(response.Body)
		response.Body.Close()
		if err := errors.Join(err, spent); err != nil {
			return abi.HTTPResponse{}, err
		}
		next = following
	}
	return abi.HTTPResponse{}, fmt.Errorf("http request to %s: %w", next.target, ErrTooManyRedirects)
}

func firstHop(request abi.HTTPRequest) (hop, error) {
	t, err := parseTarget(request.URL)
	if err != nil {
		return hop{}, err
	}
	method, err := requestMethod(request.Method)
	if err != nil {
		return hop{}, err
	}
	header, err := requestHeader(request, t)
	if err != nil {
		return hop{}, err
	}
	return hop{target: t, method: method, header: header, body: request.Body}, nil
}

// send is one hop: host, budget, name, addresses, connection.
func (c *Client) send(ctx context.Context, rules Rules, h hop, budget *Budget) (*http.Response, error) {
	if err := rules.allow(h.target); err != nil {
		return nil, err
	}
	// Before the look-up: that, too, tells someone something.
	if err := budget.request(h.size()); err != nil {
		return nil, err
	}
	addrs, err := c.resolve(ctx, rules, h.target)
	if err != nil {
		return nil, err
	}
	response, err := c.sendToAny(ctx, h, addrs)
	if err != nil {
		return nil, failed(ctx, h.target, err)
	}
	if err := budget.bytes(headerBytes(response.Header)); err != nil {
		response.Body.Close()
		return nil, err
	}
	if response.StatusCode == http.StatusSwitchingProtocols {
		response.Body.Close()
		return nil, fmt.Errorf("http request to %s: the server switches protocols unasked", h.target)
	}
	return response, nil
}

// resolve finds the addresses of a target that the rules allow.
func (c *Client) resolve(ctx context.Context, rules Rules, t target) ([]netip.Addr, error) {
	if addr, literal := t.literal(); literal {
		return rules.addresses(t, []netip.Addr{addr})
	}
	addrs, err := c.resolver.LookupNetIP(ctx, "ip", t.host)
	if err != nil {
		return nil, failed(ctx, t, err)
	}
	return rules.addresses(t, addrs)
}

// sendToAny goes on to the next address as long as none was reached.
func (c *Client) sendToAny(ctx context.Context, h hop, addrs []netip.Addr) (*http.Response, error) {
	var unreached *dialError
	for i, addr := range addrs {
		response, err := c.pool.send(ctx, h, addr)
		if err == nil || i == len(addrs)-1 || ctx.Err() != nil || !errors.As(err, &unreached) {
			return response, err
		}
	}
	return nil, errors.New("no address to send to")
}

func newRequest(ctx context.Context, h hop) (*http.Request, error) {
	var request *http.Request
	var err error
	if len(h.body) == 0 { // a nil body has no Content-Length with GET and HEAD
		request, err = http.NewRequestWithContext(ctx, h.method, "", nil)
	} else {
		request, err = http.NewRequestWithContext(ctx, h.method, "", bytes.NewReader(h.body))
	}
	if err != nil {
		return nil, err
	}
	url := *h.target.url
	request.URL = &url
	request.Host = h.target.hostHeader()
	request.Header = h.header.Clone()
	return request, nil
}

// failed is an error on the way to or from a target. A deadline shows in many
// forms, of which callers are promised the context's.
func failed(ctx context.Context, t target, err error) error {
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w: %w", ended, err)
	}
	return fmt.Errorf("http request to %s: %w", t, err)
}

// receive reads a final response.
func receive(ctx context.Context, response *http.Response, h hop, budget *Budget) (abi.HTTPResponse, error) {
	defer response.Body.Close()
	announced := response.ContentLength
	if h.method == http.MethodHead {
		announced = 0 // it tells of the body of a GET
	}
	body, err := budget.readAll(response.Body, announced)
	if err != nil {
		return abi.HTTPResponse{}, failed(ctx, h.target, err)
	}
	return abi.HTTPResponse{Status: response.StatusCode, Header: response.Header, Body: body}, nil
}
