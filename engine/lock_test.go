package engine

import (
	"sync"
	"testing"
	"testing/synctest"
)

func TestLock(t *testing.T) {
	t.Parallel()
	l := newLock()
	n := 0
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 5000 {
				l.Lock()
				n++
				l.Unlock()
			}
		})
	}
	all.Wait()
	if n != 16*5000 {
		t.Errorf("counted %d, want %d", n, 16*5000)
	}
}

// TestLockIsIdle: who waits for it is idle in a bubble, and goes on once it is free.
func TestLockIsIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLock()
		l.Lock()
		order := make(chan int, 3)
		for i := range 3 {
			go func() {
				l.Lock()
				order <- i
				l.Unlock()
			}()
		}
		synctest.Wait() // returns, since all of them are idle
		if len(order) != 0 {
			t.Fatal("taken while it is held")
		}
		l.Unlock()
		synctest.Wait()
		if len(order) != 3 {
			t.Errorf("%d had it, want 3", len(order))
		}
	})
}
