package soak

import (
	"net"
	"sync"
	"time"
)

// link is the way of a worker to a server: a proxy that can be cut, fall silent and
// be slow. It is safe for concurrent use.
type link struct {
	to       string
	listener net.Listener
	under    sync.WaitGroup // goroutines

	mu    sync.Mutex // guards what follows
	ends  map[net.Conn]bool
	cut   bool
	still chan struct{} // closed when bytes go on; nil: they do
	delay time.Duration // of each piece
	over  bool
}

func newLink(to string) (*link, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	k := &link{to: to, listener: l, ends: map[net.Conn]bool{}}
	k.under.Go(k.accept)
	return k, nil
}

// address is where the link begins.
func (k *link) address() string { return k.listener.Addr().String() }

func (k *link) accept() {
	for {
		near, err := k.listener.Accept()
		if err != nil {
			return
		}
		k.under.Go(func() { k.join(near) })
	}
}

// join carries bytes both ways until one end, or the link, is closed.
func (k *link) join(near net.Conn) {
	if !k.keep(near) {
		return
	}
	defer k.drop(near)
	far, err := net.DialTimeout("tcp", k.to, time.Second)
	if err != nil || !k.keep(far) {
		return
	}
	defer k.drop(far)
	back := make(chan struct{})
	go func() {
		defer close(back)
		k.carry(near, far)
	}()
	k.carry(far, near)
	<-back
}

// keep takes an end into account; false: the link is cut, and it was closed.
func (k *link) keep(c net.Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cut || k.over {
		_ = c.Close() // nothing was said on it
		return false
	}
	k.ends[c] = true
	return true
}

func (k *link) drop(c net.Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.ends, c)
	_ = c.Close() // it may be
}

// carry copies from one end to another, and closes both at the end of either.
func (k *link) carry(to, from net.Conn) {
	defer k.drop(to)
	defer k.drop(from)
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		k.pass()
		if n > 0 {
			if _, err := to.Write(piece[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass waits while the link is silent, and for as long as it is slow.
func (k *link) pass() {
	for {
		k.mu.Lock()
		still, delay := k.still, k.delay
		k.mu.Unlock()
		if still == nil {
			time.Sleep(delay)
			return
		}
		<-still
	}
}

// sever closes what is open, and refuses what comes, until it is mended.
func (k *link) sever() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cut = true
	for c := range k.ends {
		_ = c.Close() // its goroutine takes it off
	}
}

// hush keeps bytes back, in both directions, until it is mended. Then they come.
func (k *link) hush() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.still == nil {
		k.still = make(chan struct{})
	}
}

// slow keeps each piece back for so long.
func (k *link) slow(d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.delay = d
}

// mend makes the link whole.
func (k *link) mend() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cut, k.delay = false, 0
	if k.still != nil {
		close(k.still)
		k.still = nil
	}
}

// close ends the link, and waits for its goroutines.
func (k *link) close() {
	k.mend()
	_ = k.listener.Close() // nobody can be told
	k.mu.Lock()
	k.over = true
	for c := range k.ends {
		_ = c.Close() // its goroutine takes it off
	}
	k.mu.Unlock()
	k.under.Wait()
}
