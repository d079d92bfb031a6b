package engine

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"
)

// A timer that has fired when its key is set anew, or given more time, does
// nothing.
func TestMemChannelLateTimer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newMemChannel(), t.Context()
		set := func(ttl time.Duration) *memValue {
			if err := c.Set(ctx, "r", "k", json.RawMessage("1"), ttl); err != nil {
				t.Fatal(err)
			}
			return c.runs["r"].values["k"]
		}
		old := set(time.Minute)
		time.Sleep(59 * time.Second)
		kept := set(0)
		time.Sleep(time.Second)
		c.expire("r", "k", old)
		c.expire("r", "k", kept)
		longer := set(time.Minute)
		c.expire("r", "k", longer)
		if _, err := c.Get(ctx, "r", "k"); err != nil {
			t.Error(err)
		}
		if err := c.Forget(ctx, "r"); err != nil || longer.timer.Stop() {
			t.Errorf("forget: %v, and the timer still runs, which keeps the value", err)
		}
	})
}

// What has expired goes by itself, and of a run that has nothing left nothing is
// kept: nobody need ask for it.
func TestMemChannelKeepsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newMemChannel(), t.Context()
		has := func(want int, when string) {
			t.Helper()
			c.mu.Lock()
			defer c.mu.Unlock()
			if len(c.runs) != want {
				t.Errorf("%s there are %d runs, want %d", when, len(c.runs), want)
			}
		}
		_, _ = c.Get(ctx, "r", "k")
		_, _ = c.Keys(ctx, "r", "")
		_, _ = c.TTL(ctx, "r", "k")
		_ = c.Expire(ctx, "r", "k", time.Minute)
		_, _ = c.Do(ctx, "r", ChannelOp{Op: OpDelete, Key: "k"})
		_ = c.Unlock(ctx, "r", "l", "a")
		has(0, "after reading")
		for _, run := range []string{"a", "b", "c", "d"} {
			if err := c.Set(ctx, run, "k", json.RawMessage("1"), time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		_ = c.Set(ctx, "b", "k", nil, time.Hour)
		_ = c.Lock(ctx, "c", "l", "a", time.Hour, 0)
		_ = c.Expire(ctx, "d", "k", 2*time.Minute)
		has(4, "at first")
		time.Sleep(time.Minute)
		synctest.Wait()
		has(3, "after a minute")
		time.Sleep(time.Minute)
		synctest.Wait()
		has(2, "after two")
		time.Sleep(time.Hour)
		synctest.Wait()
		has(0, "after an hour")
		watching, stop := context.WithCancel(ctx)
		go func() {
			for _, err := range c.Watch(watching, "r", "") {
				if err != nil && watching.Err() == nil {
					t.Error(err)
				}
			}
		}()
		synctest.Wait()
		has(1, "while one is watched")
		stop()
		synctest.Wait()
		has(0, "afterwards")
	})
}
