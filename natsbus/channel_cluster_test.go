package natsbus

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/loopback"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// startThree starts a cluster of three.
func startThree(t *testing.T) []*embedded.Server {
	t.Helper()
	dir := t.TempDir()
	return startMembers(t, dir, []string{loopback.Free(t), loopback.Free(t), loopback.Free(t)})
}

func startMembers(t *testing.T, dir string, routes []string) (all []*embedded.Server) {
	t.Helper()
	for i, route := range routes {
		s, err := embedded.Start(t.Context(), embedded.Config{
			Dir: filepath.Join(dir, strconv.Itoa(i)), Listen: "127.0.0.1:0", Credentials: filepath.Join(dir, "credentials"), Name: fmt.Sprint("server-", i),
			Cluster: embedded.Cluster{Name: "three", Listen: route, Routes: slices.Delete(slices.Clone(routes), i, i+1)},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Shutdown)
		all = append(all, s)
	}
	for _, s := range all {
		if err := s.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// Replicated, and with the stream's leader stopped while all write: what was told to
// be written is, once; each reads what it wrote; a lock has one holder; a watch goes
// on.
func TestChannelReplicated(t *testing.T) {
	t.Parallel()
	servers := startThree(t)
	admin := openBus(t, servers[0].Connect, "main")
	cfg := channelStream(admin.cfg)
	cfg.Replicas = 3
	var leader string
	err := tries(t.Context(), func(ctx context.Context) error {
		s, err := admin.js.CreateStream(ctx, cfg)
		if err == nil {
			leader = s.CachedInfo().Cluster.Leader
		}
		return notYet(err)
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []*Channel
	var leads *embedded.Server
	for _, s := range servers {
		if s.Name() == leader {
			leads = s
			continue
		}
		c := newChannel(openBus(t, s.Connect, "main"))
		t.Cleanup(func() { c.bus.Close(); c.close() })
		all = append(all, c)
	}
	if len(all) != 2 {
		t.Fatalf("the leader is %q", leader)
	}
	w := watchAll(t, all[0])
	const writers, rounds = 8, 30
	var wrote, inside atomic.Int64
	var working sync.WaitGroup
	stopped := make(chan struct{})
	for i := range writers {
		working.Go(func() {
			c, owner := all[i%2], strconv.Itoa(i)
			for round := range rounds {
				if _, err := c.Do(t.Context(), "r", engine.ChannelOp{Op: engine.OpAdd, Key: "n", Value: json.RawMessage("1")}); err != nil {
					t.Errorf("add: %v", err)
				}
				key := fmt.Sprintf("%s-%d", owner, round)
				if err := c.Set(t.Context(), "own", key, json.RawMessage("1"), time.Hour); err != nil {
					t.Errorf("set: %v", err)
				}
				if keys, err := all[(i+1)%2].Keys(t.Context(), "own", key); err != nil || !slices.Contains(keys, key) {
					t.Errorf("after a write there are %q, %v", keys, err)
				}
				if err := c.Lock(t.Context(), "r", "l", owner, time.Hour, time.Minute); err != nil {
					t.Errorf("lock: %v", err)
					continue
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d hold the lock", n)
				}
				inside.Add(-1)
				if err := c.Unlock(t.Context(), "r", "l", owner); err != nil {
					t.Errorf("unlock: %v", err)
				}
				if wrote.Add(1) == writers*rounds/2 {
					close(stopped)
				}
			}
		})
	}
	<-stopped
	leads.Shutdown()
	working.Wait()
	mustDo(t, all[1], engine.OpSet, "last", "1")
	for _, c := range all {
		holdsValue(t, c, "n", strconv.Itoa(writers*rounds))
	}
	for n := ""; ; {
		change := w.change()
		if change.Key == "n" {
			n = string(change.Value)
		}
		if change.Key == "last" {
			if n != strconv.Itoa(writers*rounds) {
				t.Errorf("the watch tells %s in the end, want %d", n, writers*rounds)
			}
			return
		}
	}
}
