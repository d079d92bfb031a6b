package queue

import (
	"fmt"
	"sync"
	"time"
)

// ledger counts what ran, and knows when it began.
type ledger struct {
	mu       sync.Mutex // guards all below
	runs     []int      // by job
	began    []time.Time
	distinct int
	strange  int // runs of jobs that nobody submitted
	goal     int
	reached  chan struct{} // closed once as many distinct jobs as the goal have run
}

// expect makes room for n more jobs and says which is the first of them, and what
// is closed once they and all before them have run.
func (l *ledger) expect(n int) (first Job, reached <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first = Job(len(l.runs))
	l.runs = append(l.runs, make([]int, n)...)
	l.began = append(l.began, make([]time.Time, n)...)
	l.goal, l.reached = len(l.runs), make(chan struct{})
	if l.distinct == l.goal { // n is 0, and nothing is left to run
		close(l.reached)
	}
	return first, l.reached
}

// run is the job itself: that it runs is all that it does.
func (l *ledger) run(job Job) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if int(job) >= len(l.runs) {
		l.strange++
		return
	}
	l.runs[job]++
	if l.runs[job] > 1 {
		return
	}
	l.began[job] = now
	if l.distinct++; l.distinct == l.goal {
		close(l.reached)
	}
}

// since is when each of the jobs from first on ran for the first time.
func (l *ledger) since(first Job) []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]time.Time(nil), l.began[first:]...)
}

// audit is how many runs there were beyond one of each job, and an error if a job
// never ran or one ran that nobody submitted.
func (l *ledger) audit() (again int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lost := 0
	for _, n := range l.runs {
		if n == 0 {
			lost++
		} else {
			again += n - 1
		}
	}
	if lost > 0 || l.strange > 0 {
		return again, fmt.Errorf("of %d jobs %d never ran, and %d ran that nobody submitted", len(l.runs), lost, l.strange)
	}
	return again, nil
}
