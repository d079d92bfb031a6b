package dockertest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
)

// Changes tells that something has happened to containers which have all of the labels,
// each `KEY` or `KEY=VALUE`, since it was called. One change may stand for several. The
// caller calls stop, which waits until the daemon is not listened to any more.
func Changes(tb testing.TB, labels ...string) (changes <-chan struct{}, stop func()) {
	tb.Helper()
	query, err := json.Marshal(map[string][]string{"type": {"container"}, "label": labels})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(tb.Context())
	answer, err := connect(tb).request(ctx, http.MethodGet, "/events?filters="+url.QueryEscape(string(query)), nil, nil)
	if err != nil {
		cancel()
		tb.Fatalf("listen to what happens to the containers with %q: %v", labels, err)
	}
	heard, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = answer.Body.Close() }() // it was read only
		var event json.RawMessage
		for lines := json.NewDecoder(answer.Body); lines.Decode(&event) == nil; {
			select {
			case heard <- struct{}{}:
			default: // one waits
			}
		}
	}()
	return heard, func() {
		cancel()
		<-done
	}
}
