package api_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// TestManyStreams has 200 clients follow runs on a server that is busy with others:
// each sees all of its run, and none waits for another.
func TestManyStreams(t *testing.T) {
	t.Parallel()
	const clients, runs = 200, 10
	f := start(t, api.Config{})
	f.client.Transport.(*http.Transport).MaxIdleConnsPerHost = clients
	f.want(f.ask("PUT", "/v1/flows", many(10)), 200, nil)
	load, stop := context.WithCancel(t.Context())
	var busy, wait sync.WaitGroup
	var others atomic.Int64
	for range 2 {
		busy.Go(func() {
			for load.Err() == nil {
				f.submit(hello, map[string]string{"name": "Ada"}) //nolint:contextcheck // load ends the loop, not a request
				others.Add(1)
			}
		})
	}
	defer busy.Wait()
	defer stop()

	ids := make([]string, runs)
	for i := range ids {
		ids[i] = fmt.Sprintf("busy-%d", i)
		f.want(f.ask("POST", "/v1/runs", map[string]any{"flow": "many", "id": ids[i]}), 201, nil)
	}
	began := time.Now()
	seen := make([][]string, clients)
	var first, events atomic.Int64
	for i := range seen {
		wait.Go(func() {
			asked := time.Now()
			f.streamTo("/v1/runs/"+ids[i%runs]+"/stream", "", func(e event) bool {
				if len(seen[i]) == 0 {
					first.Add(int64(time.Since(asked)))
				}
				if events.Add(1); e.name == "notice" {
					if s := told(t, e); s != "" {
						seen[i] = append(seen[i], s)
					}
					return true
				}
				if e.name != "outcome" {
					t.Errorf("client %d: the stream ended with %+v", i, e)
				}
				return false
			})
		})
	}
	wait.Wait()
	t.Logf("%d events to %d clients in %v, the first of each after %v on average, beside %d other runs",
		events.Load(), clients, time.Since(began), time.Duration(first.Load()/clients), others.Load())
	for i := range seen {
		slices.Sort(seen[i])
		if want := seen[i%runs]; !slices.Equal(seen[i], want) || len(want) < 3*10 {
			t.Errorf("client %d saw %d notices of %s, another %d", i, len(seen[i]), ids[i%runs], len(want))
		}
	}
	f.want(f.askAs(ops.RoleViewer, "GET", "/v1/service", nil), 200, nil)
}
