package queue

import (
	"context"
	"runtime/debug"
)

// Class is when a queue answers for a job.
type Class string

// The classes of the peers. What one that answers at once may lose differs: see
// [Peer.Loses].
const (
	Later  Class = "fsync after the answer"
	Synced Class = "fsync before the answer"
	// Memory is of queues that keep nothing on a disk. They are not among [Peers].
	Memory Class = "memory alone"
)

// Loss is what a crash may take of what a queue has answered for.
type Loss struct {
	Killed string // its server is killed with SIGKILL
	Power  string // its machine loses power
}

// Peer is a queue, set up in one way.
type Peer struct {
	Name     string
	Module   string // that it is, for its version; "" is ours
	Settings string // that are not its defaults
	Class    Class
	Config   string // that makes it that durable
	Loses    Loss
	Brief    bool // a [Turn] has single jobs alone: it waits for long between steps
	// Open starts it in dir, which is empty, with all that it needs.
	Open func(ctx context.Context, dir string) (System, error)
}

// System is a queue that runs, and is empty. Only Submit is used by several
// goroutines at the same time.
type System interface {
	// Server is the name and version of what keeps the jobs.
	Server() string
	// Submit adds one job and returns once the queue answers for it.
	Submit(ctx context.Context, job Job) error
	// Work begins to run jobs, up to so many at the same time, in this process.
	// Each is completed in the queue once handle returns. stop waits until no job
	// runs. After it Work may be called again.
	Work(ctx context.Context, concurrency int, handle func(Job)) (stop func(context.Context) error, err error)
	// Unfinished is how many of the jobs that were submitted are not yet completed,
	// as the queue itself tells. It's asked seldom while jobs run.
	Unfinished(ctx context.Context) (int, error)
	// Close ends all that Open started.
	Close(ctx context.Context) error
}

// Job is one job, by its number: 0 is the first that a [System] is given.
type Job uint32

// Peers are all, in the order in which they have their first turn.
func Peers() []Peer {
	var all []Peer
	all = append(all, asynqPeers...)
	all = append(all, riverPeers...)
	all = append(all, jetstreamPeers...)
	return append(all, graflowPeers...)
}

// version is the peer's, as this program was built with it.
func (p Peer) version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if p.Module == "" {
		return "this checkout"
	}
	for _, m := range info.Deps {
		if m.Path == p.Module {
			return m.Version
		}
	}
	return "unknown"
}
