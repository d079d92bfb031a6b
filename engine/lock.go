package engine

import (
	"runtime"
	"sync/atomic"
)

// lock is a mutex that is held while a journal is written and read. Unlike a
// sync.Mutex, waiting for it is idleness to testing/synctest, so that a simulator
// can tell when nothing moves any more. It is not fair: who comes while it is free
// takes it, since handing it over would cost a switch of goroutines each time. Its
// states are those of Drepper's mutex ("Futexes Are Tricky", 2011); in place of the
// futex there is a channel.
type lock struct {
	state atomic.Int32
	free  chan struct{} // has a token when one of those who wait may try again
}

// States of a lock.
const (
	lockFree int32 = iota
	lockHeld
	lockWanted // held, and somebody may be waiting
)

// lockTries is how often Lock lets others go first before it waits.
const lockTries = 3

func newLock() *lock { return &lock{free: make(chan struct{}, 1)} }

// Lock implements sync.Locker.
func (l *lock) Lock() {
	for range lockTries {
		if l.state.CompareAndSwap(lockFree, lockHeld) {
			return
		}
		runtime.Gosched()
	}
	for l.state.Swap(lockWanted) != lockFree {
		<-l.free
	}
}

// Unlock implements sync.Locker.
func (l *lock) Unlock() {
	if l.state.Swap(lockFree) == lockWanted {
		select {
		case l.free <- struct{}{}:
		default: // a token is there
		}
	}
}
