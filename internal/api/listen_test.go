package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/api"
)

// TestTimely does not wait for bodies for ever, whether somebody reads them or not, and
// lets who has read one take its time.
func TestTimely(t *testing.T) {
	t.Parallel()
	const within = 100 * time.Millisecond
	srv := httptest.NewServer(api.Timely(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/reads" {
			if _, err := io.ReadAll(r.Body); err != nil {
				w.WriteHeader(http.StatusRequestTimeout)
				return
			}
			select {
			case <-r.Context().Done():
				t.Error("who has read the body has no more time")
			case <-time.After(3 * within):
			}
		}
		w.WriteHeader(http.StatusNoContent)
	}), within))
	t.Cleanup(srv.Close)
	for request, want := range map[string]int{
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1":                                 204,
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n1":                   204,
		"POST /reads HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1":                            408,
		"POST /reads HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123456789":                    204,
		"POST /reads HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n": 204,
		"GET /reads HTTP/1.1\r\nHost: x\r\n\r\n":                                                   204,
	} {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(srv.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SetReadDeadline(time.Now().Add(until)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(c, request)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("%q: %v", request, err)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%q: got %d, want %d", request, resp.StatusCode, want)
		}
	}
}

// TestHTTP2 begins and follows a run with TLS and HTTP/2, where deadlines are those of
// streams.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{MaxFlow: 1000, BodyTime: 50 * time.Millisecond, Heartbeat: 20 * time.Millisecond})
	f.listen(true)
	run := f.submit(asks, nil)
	if o := f.ended(run); o.Status != engine.StatusPaused {
		t.Fatalf("it is %s, want it to wait", o.Status)
	}
	beats := 0
	other := f.submit(strings.Replace(waits, "1h", "300ms", 1), nil) // longer than a body may take
	f.streamTo("/v1/runs/"+other+"/stream", "", func(e event) bool {
		if e.name == "" {
			beats++
		}
		return e.name != "outcome"
	})
	if beats == 0 {
		t.Error("the stream had no heartbeat")
	}
	f.want(f.ask("PUT", "/v1/flows", strings.Repeat(" ", 1001)), 413, nil)
	resp, err := f.client.Do(f.request("GET", "/v1/service", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.StatusCode != 401 {
		t.Errorf("got %s %d", resp.Proto, resp.StatusCode)
	}
}
