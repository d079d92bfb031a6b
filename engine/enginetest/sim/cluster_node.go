package sim

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// clusterLease is how long a delivery, or a share of the runs, goes without a sign
// of life.
const clusterLease = 10 * time.Second

// node is a process of a cluster.
type node struct {
	w      *cluster
	name   string
	part   engine.Part
	since  time.Time
	engine *engine.Engine
	gone   chan struct{} // closed when it has died
	ended  chan struct{} // closed when its engine has

	// Guarded by the cluster's mu.
	dead     bool
	leaving  bool
	thaw     chan struct{} // nil: it is not frozen
	troubled time.Time     // when it was last, or a call of it went wrong
	owner    engine.Owner  // once it owns
	shares   map[string]bool
	hear     func(engine.Signal)
	unheard  func()
	watches  map[int]watch
	watching int
}

// watch is somebody who wants to know when a log has grown.
type watch struct {
	run   string
	moved func()
}

// boot makes a process, which joins.
func (w *cluster) boot(c ClusterNode) *node {
	w.mu.Lock()
	n := &node{
		w: w, name: fmt.Sprintf("n%d", len(w.nodes)), part: c.Part, since: time.Now(), gone: make(chan struct{}), ended: make(chan struct{}),
		shares: map[string]bool{}, watches: map[int]watch{},
	}
	w.mu.Unlock()
	f := clusterFacade{n}
	e, err := engine.New(engine.Config{
		Handlers: map[string]engine.Handler{"sim": clusterHandler{n}},
		Backend: &engine.Backend{
			Journal: f, Queue: f, Timers: f, Channel: w.kept.Channel, Blobs: clusterBlobs{n, w.kept.Blobs}, Cluster: f, Lease: clusterLease,
		},
		Concurrency: c.Slots, Part: c.Part, Observe: n.observe,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	n.engine = e
	w.mu.Lock()
	w.nodes = append(w.nodes, n)
	w.mu.Unlock()
	w.sayf("%s comes, part %d", n.name, n.part)
	if err := e.Join(); err != nil {
		panic(err)
	}
	return n
}

// owns and works tell its parts.
func (n *node) owns() bool  { return n.part == engine.PartBoth || n.part == engine.PartOwner }
func (n *node) works() bool { return n.part == engine.PartBoth || n.part == engine.PartWorker }

// awake waits while the process stands still; an error once it has died. Of those that
// wait each goes on at a time of its own, which what it does says: who goes first is
// not left to the runtime.
func (n *node) awake(what string) error {
	still := false
	for {
		n.w.mu.Lock()
		dead, thaw := n.dead, n.thaw
		n.w.mu.Unlock()
		switch {
		case dead:
			return errCrashed
		case thaw == nil && still:
			time.Sleep(n.w.hop("thaw " + n.name + what))
			still = false
			continue
		case thaw == nil:
			return nil
		}
		<-thaw
		still = true
	}
}

// call is the way of a call to the storage.
func (n *node) call(key string) error {
	if err := n.awake(key); err != nil {
		return err
	}
	time.Sleep(n.w.hop(n.name + key))
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	if n.dead {
		return errCrashed
	}
	return nil
}

// back is the way of its answer.
func (n *node) back(key string, err error) error {
	time.Sleep(n.w.hop("back" + n.name + key))
	if lost := n.awake("back " + key); lost != nil {
		return lost
	}
	return err
}

// freeze lets a process stand still.
func (n *node) freeze(d time.Duration) {
	w := n.w
	thaw := make(chan struct{})
	w.mu.Lock()
	n.thaw = thaw
	w.mu.Unlock()
	w.after(clusterLease, func() {
		w.mu.Lock()
		frozen := n.thaw == thaw
		w.mu.Unlock()
		if frozen {
			w.reassign(n)
		}
	})
	w.after(d, func() { n.goOn(thaw) })
}

// goOn ends a freeze: any if thaw is nil.
func (n *node) goOn(thaw chan struct{}) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	if n.thaw == nil || thaw != nil && n.thaw != thaw {
		return
	}
	close(n.thaw)
	n.thaw, n.troubled = nil, time.Now()
}

// kill ends a process: from now on its calls fail, without effect.
func (n *node) kill() {
	w := n.w
	w.mu.Lock()
	if n.dead {
		w.mu.Unlock()
		return
	}
	n.dead = true
	w.mu.Unlock()
	n.goOn(nil)
	close(n.gone)
	w.wg.Go(func() {
		defer close(n.ended)
		if err := n.engine.Close(); err != nil {
			panic(err)
		}
	})
	w.after(clusterLease, func() { w.reassign(n) })
}

// leave lets a process end in order.
func (n *node) leave() {
	w := n.w
	ctx, cancel := context.WithTimeout(context.Background(), w.dice.span(20*time.Second, "drain "+n.name))
	defer cancel()
	n.engine.Drain(ctx)
	if err := n.engine.Close(); err != nil {
		panic(err)
	}
	n.kill() // what it still had under way
	w.reassign(n)
}

// end ends a process whose work is done.
func (n *node) end() {
	n.kill()
	<-n.ended
}

// driving is the run where it is driven; nil if that is nowhere.
func (w *cluster) driving(run string) *engine.Running {
	w.mu.Lock()
	first := w.owners[run]
	nodes := append([]*node{first}, w.nodes...)
	w.mu.Unlock()
	for _, n := range nodes {
		if n == nil || n.awakeNow() != nil {
			continue
		}
		if o := n.engine.Running(run); o != nil {
			return o
		}
	}
	return nil
}

// strikes tells whether a trouble happens to a call of the process.
func (n *node) strikes(t Trouble, key string) bool {
	if !n.w.strikes(t, n.name+key) {
		return false
	}
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.troubled = time.Now()
	return true
}

// awakeNow is an error unless the process can be called.
func (n *node) awakeNow() error {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	if n.dead || n.thaw != nil {
		return errCrashed
	}
	return nil
}
