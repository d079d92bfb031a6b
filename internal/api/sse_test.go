package api_test

import (
	"bufio"
	"io"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// event is one that a server sent.
type event struct{ name, id, data string }

// readEvents reads events until f returns false, or the stream ends. Comments are
// events without a name.
func readEvents(tb testing.TB, from io.Reader, f func(event) bool) error {
	tb.Helper()
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 16<<20)
	var e event
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data = value
		case "":
			if value != "" { // a comment
				e.data = value
				continue
			}
			if !f(e) {
				return nil
			}
			e = event{}
		default:
			tb.Errorf("the stream has the line %q", lines.Text())
		}
	}
	return lines.Err()
}

// stream reads a stream to its end.
func (f *fixture) stream(path string) []event {
	f.Helper()
	var all []event
	f.streamTo(path, "", func(e event) bool {
		all = append(all, e)
		return true
	})
	return all
}

// streamTo reads a stream until g returns false.
func (f *fixture) streamTo(path, last string, g func(event) bool) {
	f.Helper()
	r := f.request("GET", path, nil, "Authorization", "Bearer "+f.tokens[ops.RoleViewer])
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	resp, err := f.client.Do(r)
	if err != nil {
		f.Fatal(err)
	}
	defer resp.Body.Close()
	if media := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || media != "text/event-stream" {
		raw, _ := io.ReadAll(resp.Body)
		f.Fatalf("got %d %s %s, want a stream", resp.StatusCode, media, raw)
	}
	if err := readEvents(f, resp.Body, g); err != nil {
		f.Fatal(err)
	}
}
