package cluster

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
)

// Bounds of what is kept of attempts that run.
const (
	maxUnderway  = 256             // runs
	underwayTime = 2 * time.Second // that a look into a run's log may take
)

// underway keeps the starts of the attempts of runs that were shown of late: a journal
// has the start of most only once they have ended, but workers tell of those that take
// their time. The zero value is ready to use; it is safe for concurrent use.
type underway struct {
	mu   sync.Mutex // guards what follows
	runs map[string]*startsOf
	last []string // in order of their coming
}

// startsOf are the latest starts of a run's attempts, by activation.
type startsOf struct {
	mu    sync.Mutex // guards what follows
	after uint64     // how far its log was read
	all   map[string]engine.Notice
}

func (u *underway) of(run string) *startsOf {
	u.mu.Lock()
	defer u.mu.Unlock()
	if s := u.runs[run]; s != nil {
		return s
	}
	if len(u.last) == maxUnderway {
		delete(u.runs, u.last[0])
		u.last = u.last[1:]
	}
	if u.runs == nil {
		u.runs = map[string]*startsOf{}
	}
	s := &startsOf{all: map[string]engine.Notice{}}
	u.runs[run] = s
	u.last = append(u.last, run)
	return s
}

// addUnderway adds to the timeline of a run the starts of attempts that go on. Without
// an answer of the log in time it adds those that are known.
func (r *runs) addUnderway(ctx context.Context, s *control.Story) {
	if s.Status != engine.StatusRunning || !slices.ContainsFunc(s.Live, isUp) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, underwayTime)
	defer cancel()
	starts := r.underway.of(s.Run)
	starts.mu.Lock()
	defer starts.mu.Unlock()
	for n, err := range r.bus.Notices(ctx, s.Run, starts.after, false) {
		if err != nil {
			break
		}
		if starts.after = max(starts.after, n.Seq); n.Type == engine.NoticeTaskStarted {
			starts.all[n.Activation] = n
		}
	}
	changed := map[string]time.Time{} // when something was last told of an activation
	for _, n := range s.Timeline {
		changed[n.Activation] = n.Time
	}
	for _, l := range s.Live {
		n, ok := starts.all[l.Activation]
		if !ok || !isUp(l) || n.Attempt != l.Attempt || n.Time.Before(changed[l.Activation]) {
			continue // it is of an execution that has ended
		}
		n.Seq = 0
		s.Timeline = append(s.Timeline, n)
	}
}

// isUp tells that an activation is ready, or runs.
func isUp(l engine.LiveActivation) bool { return l.Status == engine.StatusPending }
