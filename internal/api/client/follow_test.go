package client_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/api/client"
	"github.com/graflow/graflow-wasm/internal/ops"
)

func TestReadEvents(t *testing.T) {
	t.Parallel()
	text := ": hello\n\nevent: notice\nid: 3\ndata: {\"a\":\ndata: 1}\n\r\n\nid: 4\n\ndata:x\ndata: \nretry: 5\nbogus\n\nevent: end\nid: a\x00b\ndata:  y\r\n\r\ndata: cut off\n"
	got, err := client.ReadEvents(strings.NewReader(text))
	want := []client.Event{{"notice", "3", "{\"a\":\n1}"}, {"", "", "x\n"}, {"end", "", " y"}}
	if !errors.Is(err, io.EOF) || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	long := "data: " + strings.Repeat("x", 200<<10)
	if got, _ := client.ReadEvents(strings.NewReader(long + "\n" + long + "\n\n")); len(got) != 1 || len(got[0].Data) != 2*(200<<10)+1 {
		t.Errorf("got %d events of a long one", len(got))
	}
}

func FuzzReadEvents(f *testing.F) {
	f.Add("event: notice\nid: 3\ndata: {}\n\n: x\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := client.ReadEvents(strings.NewReader(text))
		if !errors.Is(err, io.EOF) {
			t.Fatalf("got %v, want the end", err)
		}
		for _, e := range all {
			if strings.ContainsAny(e.Name+e.ID, "\n\x00") && !strings.Contains(text, e.Name) {
				t.Errorf("got %q", e)
			}
		}
	})
}

// stream tells notices from the one after an id on, and is cut off where cut says: after
// so many, by each call's number.
func stream(t *testing.T, notices int, calls *atomic.Int32, cut func(call int) int) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		call := int(calls.Add(1))
		from := 0
		if last := r.Header.Get("Last-Event-ID"); last != "" {
			if _, err := fmt.Sscanf(last, "p%d", &from); err != nil {
				t.Errorf("call %d: Last-Event-ID is %q", call, last)
			}
		} else if call == 1 && r.URL.Query().Get("after") != "p0" {
			t.Errorf("after is %q, want p0", r.URL.RawQuery)
		}
		w.Header().Set("Content-Type", "text/event-stream")
		most := cut(call)
		if most < 0 {
			problem(w, http.StatusServiceUnavailable, `{"detail": "starting"}`)
			return
		}
		for i := from + 1; i <= notices; i++ {
			if i > from+most {
				_, _ = fmt.Fprintf(w, "event: notice\nid: p%d\ndata: {\"seq\"", i) // half of one
				return
			}
			_, _ = fmt.Fprintf(w, ": still here\n\nevent: notice\nid: p%d\ndata: {\"seq\": %d, \"type\": \"task_log\"}\n\n", i, i)
		}
		_, _ = io.WriteString(w, "event: outcome\ndata: {\"run\": \"r\", \"status\": \"succeeded\"}\n\n")
	}
}

// TestFollowGoesOn: a stream that is cut off anywhere tells all, and nothing twice.
func TestFollowGoesOn(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	c := asked(t, stream(t, 10, &calls, func(call int) int {
		if call%3 == 0 {
			return -1 // it is started anew
		}
		return call % 4
	}))
	c.Hurry(func(time.Duration) {})
	var got []uint64
	outcome, err := c.Service().Runs.Follow(t.Context(), "r", "p0", func(n engine.Notice, at string) {
		got = append(got, n.Seq)
		if at != fmt.Sprintf("p%d", n.Seq) {
			t.Errorf("notice %d is at %q", n.Seq, at)
		}
	})
	if err != nil || outcome.Status != engine.StatusSucceeded || !slices.Equal(got, []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
		t.Errorf("got %+v, %v and %v, want 1 to 10", outcome, err, got)
	}
	if calls.Load() < 4 {
		t.Errorf("it was asked %d times: nothing was cut off", calls.Load())
	}
}

// TestFollowFromNow: a stream of what comes that is cut off before anything came goes on
// where it began.
func TestFollowFromNow(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	c := asked(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			if after := r.URL.Query().Get("after"); after != ops.FollowNew {
				t.Errorf("after is %q, want %q", after, ops.FollowNew)
			}
			_, _ = io.WriteString(w, "event: place\nid: p7\ndata: {}\n\n")
			return
		}
		if last := r.Header.Get("Last-Event-ID"); last != "p7" {
			t.Errorf("call %d: Last-Event-ID is %q, want p7", calls.Load(), last)
		}
		_, _ = io.WriteString(w, "event: outcome\ndata: {\"run\": \"r\", \"status\": \"succeeded\"}\n\n")
	})
	c.Hurry(func(time.Duration) {})
	o, err := c.Service().Runs.Follow(t.Context(), "r", ops.FollowNew, func(n engine.Notice, at string) { t.Errorf("it tells %+v at %s", n, at) })
	if err != nil || o.Status != engine.StatusSucceeded || calls.Load() != 2 {
		t.Errorf("got %+v, %v after %d calls", o, err, calls.Load())
	}
}

// TestPlace asks servers for a place that tell one, a fault, nothing, or none, as older
// versions do.
func TestPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"event: place\nid: p7\ndata: {}\n\n":                              "",
		"event: error\ndata: {\"status\": 404, \"detail\": \"gone\"}\n\n": "gone",
		"event: outcome\ndata: {}\n\n":                                    "of an older version",
		"":                                                                "EOF",
	} {
		c := asked(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
		at, err := c.Service().Runs.Place(t.Context(), "r")
		if failed := err != nil; failed != (want != "") || failed && !strings.Contains(err.Error(), want) || !failed && at != "p7" {
			t.Errorf("%q: got %q, %v; want %q", text, at, err, want)
		}
	}
}

// TestFollowGivesUp: a server that is gone is waited for, but not for ever; one that was
// never there is not.
func TestFollowGivesUp(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	c := asked(t, stream(t, 10, &calls, func(call int) int {
		if call > 1 {
			return -1
		}
		return 1
	}))
	var waited time.Duration
	c.Hurry(func(d time.Duration) { waited += d })
	_, err := c.Service().Runs.Follow(t.Context(), "r", "p0", func(engine.Notice, string) {})
	if !errors.Is(err, ops.ErrUnavailable) || waited < 30*time.Second || waited > 2*time.Minute {
		t.Errorf("got %v after %s, want ErrUnavailable after a minute or so", err, waited)
	}
	calls.Store(1)
	waited = 0
	if _, err := c.Service().Runs.Follow(t.Context(), "r", "p0", func(engine.Notice, string) {}); !errors.Is(err, ops.ErrUnavailable) || waited != 0 {
		t.Errorf("got %v after %s, want ErrUnavailable at once", err, waited)
	}
}

// TestFollowFaults: what can't be told is an error, at once.
func TestFollowFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		`event: error` + "\n" + `data: {"status": 404, "detail": "run \"r\": not found"}`: engine.ErrNotFound,
		"event: error\ndata: {\"status\": 503, \"detail\": \"no leader\"}":                ops.ErrUnavailable,
		"event: error\ndata: what": nil,
		"event: notice\ndata: {":   nil,
		"event: outcome\ndata: []": nil,
	} {
		var calls atomic.Int32
		c := asked(t, func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			_, _ = io.WriteString(w, text+"\n\n")
		})
		c.Hurry(func(time.Duration) {})
		_, err := c.Service().Runs.Follow(t.Context(), "r", ops.FollowAll, func(engine.Notice, string) {})
		again := errors.Is(want, ops.ErrUnavailable)
		if err == nil || want != nil && !errors.Is(err, want) || (calls.Load() > 1) != again {
			t.Errorf("%s: got %v after %d calls, want %v", text, err, calls.Load(), want)
		}
	}
}
