package engine

// lock is a mutex that is held while a journal is written and read. Unlike a
// sync.Mutex, waiting for it is idleness to testing/synctest, so that a simulator
// can tell when nothing moves any more.
type lock chan struct{}

func newLock() lock { return make(lock, 1) }

// Lock implements sync.Locker.
func (l lock) Lock() { l <- struct{}{} }

// Unlock implements sync.Locker.
func (l lock) Unlock() { <-l }
