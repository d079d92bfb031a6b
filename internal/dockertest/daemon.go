package dockertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// socket is where the daemon listens when DOCKER_HOST does not say.
const socket = "unix:///var/run/docker.sock"

// Daemon is the address of a Docker daemon that answers, as DOCKER_HOST writes it:
// what that variable says, otherwise the usual socket. Without one the test is
// skipped, and fails if the variable CI is set. Safe for concurrent use.
func Daemon(tb testing.TB) (host string) {
	tb.Helper()
	return connect(tb).host
}

// A daemon is the API of a Docker daemon, without connections that stay open.
type daemon struct {
	host    string
	client  *http.Client
	version string // of the API, the newest that the daemon speaks
}

func connect(tb testing.TB) *daemon {
	tb.Helper()
	host := os.Getenv("DOCKER_HOST")
	if host == "" {
		host = socket
	}
	d, err := dial(context.WithoutCancel(tb.Context()), host) // which is over in a test's cleanup
	if err != nil {
		absent(tb, "a Docker daemon", "start one (make docker), or let DOCKER_HOST say where it is", err)
	}
	return d
}

// absent ends a test whose surroundings lack something.
func absent(tb testing.TB, what, todo string, err error) {
	tb.Helper()
	if os.Getenv("CI") != "" {
		tb.Fatalf("this test needs %s, which continuous integration has to have: %v: %s", what, err, todo)
	}
	tb.Skipf("NOT TESTED: this test needs %s: %v: %s", what, err, todo)
}

func dial(ctx context.Context, host string) (*daemon, error) {
	network, address, ok := strings.Cut(host, "://")
	if !ok || network != "unix" && network != "tcp" {
		return nil, fmt.Errorf("DOCKER_HOST is %q: want unix://PATH or tcp://HOST:PORT, without TLS", host)
	}
	d := &daemon{host: host, client: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, // or a goroutine outlives the test
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}}}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	answer, err := d.request(ctx, http.MethodGet, "/_ping", nil, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // it was read only
	d.version = "/v" + answer.Header.Get("Api-Version")
	return d, nil
}

// A refusal is the daemon's answer to what it does not do.
type refusal struct {
	status  int
	message string
}

func (r refusal) Error() string { return fmt.Sprintf("the daemon answers %d: %s", r.status, r.message) }

// request sends one request. The caller closes the answer's body.
func (d *daemon) request(ctx context.Context, method, target string, body io.Reader, header http.Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://docker"+d.version+target, body)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	answer, err := d.client.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode < http.StatusBadRequest {
		return answer, nil
	}
	defer func() { _ = answer.Body.Close() }() // it was read only
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	var told struct{ Message string }
	if json.Unmarshal(text, &told) != nil || told.Message == "" {
		told.Message = string(text)
	}
	return nil, refusal{answer.StatusCode, told.Message}
}

// call sends a request with a JSON body, if any, and decodes the answer into out,
// if any.
func (d *daemon) call(ctx context.Context, method, target string, in, out any) error {
	body := ""
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = string(text)
	}
	answer, err := d.request(ctx, method, target, strings.NewReader(body), http.Header{"Content-Type": {"application/json"}})
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it was read only
	if out == nil {
		return nil
	}
	return json.NewDecoder(answer.Body).Decode(out)
}

// progress sends a request that is answered by a stream of what is being done, and
// returns the error that the stream tells.
func (d *daemon) progress(ctx context.Context, target string, body io.Reader, header http.Header) error {
	answer, err := d.request(ctx, http.MethodPost, target, body, header)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it was read only
	for lines := json.NewDecoder(answer.Body); ; {
		var line struct{ Error string }
		err := lines.Decode(&line)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if line.Error != "" {
			return errors.New(line.Error)
		}
	}
}

// filters is a query for what has all of the labels.
func filters(labels []string) string {
	text, err := json.Marshal(map[string][]string{"label": labels})
	if err != nil {
		panic(err) // strings can be encoded
	}
	return "filters=" + url.QueryEscape(string(text))
}
