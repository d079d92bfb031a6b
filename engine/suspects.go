package engine

import (
	"context"
	"time"
)

// suspectAfter is how many workers are lost with an attempt until it is a suspect: it
// may be what ends them. A process runs one suspect at a time, so that what was beside
// it by chance is not lost with it again and again.
const suspectAfter = 2

// isolate waits until no other suspect runs in this process, for a part of the lease.
// If that is not so it gives the ticket back, which other processes may take.
func (a *attempt) isolate() bool {
	e := a.engine
	late := time.NewTimer(e.lease() / 2)
	defer late.Stop()
	select {
	case e.suspects <- struct{}{}:
		a.alone.Store(true)
		a.started = e.now()
		return true
	case <-late.C:
	case <-e.taking.Done():
	}
	a.settled.Store(true)
	_ = a.lease.Nak(context.WithoutCancel(e.ctx)) // should it fail, the lease runs out
	return false
}

// release lets another suspect run.
func (a *attempt) release() {
	if a.alone.Swap(false) {
		<-a.engine.suspects
	}
}
