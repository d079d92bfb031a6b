package natsbus

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// How pulls are made. A pull asks a class's consumer for so many tickets; it cannot
// be taken back but by giving up the subject on which its answers come, and by that
// only if the server sees who listens there: see Bus.seen. So:
//
// With one class, as many tickets are asked for as there are receivers that nobody
// asked for yet. When receivers come one by one, they are asked for once they are as
// many as those that are asked for: a busy process pulls in batches, an idle one
// has at least half of them waiting at the server.
//
// With several classes, which of them has tickets is to be known. In order of their
// turns they are asked with a probe, which the server answers at once; the tickets
// tell how many more there are. Only when none has any, each is asked for a few
// tickets that come when they come ("parked" pulls), together possibly for more than
// there are receivers. What comes of those for nobody is kept while a receiver may
// be free soon; when none was for 20 ms, it is given back, and what is parked is
// canceled. So a ticket is delayed by 20 ms at worst by a process that is busy, and
// never prefetched.
//
// Where pulls can't be canceled they end by themselves, sooner, and what comes
// meanwhile for nobody is given back at once.
const (
	holdTime   = 20 * time.Millisecond  // with surplus, and with an unanswered probe
	fresh      = 2 * time.Millisecond   // how long a class that was empty is taken for empty
	parkTime   = 2 * time.Second        // then a parked pull ends, which shows that both sides live
	unseenTime = time.Second            // the same of one that can't be canceled
	parkLost   = parkTime + time.Second // then its end, or itself, was lost: it is made anew
	maxParked  = 4                      // of a class, when there are several
	pauseAfter = 200 * time.Millisecond // a consumer did not answer: it has no leader
)

// weights are how often a priority has its turn, as distances between turns.
var weights = map[engine.Priority]float64{
	engine.PriorityHigh: 1, engine.PriorityNormal: 8, engine.PriorityLow: 64,
}

// source is a class that this process takes from.
type source struct {
	class
	index   int // in subjects of answers
	pull    string
	lease   time.Duration
	limited bool // at its limit a probe is not answered: it is always parked

	turn   float64 // who has the least is next
	ready  uint64  // tickets that there are, as last told
	looked time.Time
	paused time.Time

	parked [2]int // tickets asked for, lately and before: see rotate
	probe  int    // tickets asked for by the probe in flight
	probed time.Time
}

func (s *source) asked() int { return s.parked[0] + s.parked[1] + s.probe }

// empty tells that a class was found to be so lately, or in this round of probes: over a
// slow network that takes longer.
func (s *source) empty(now, round time.Time) bool {
	return s.ready == 0 && (now.Sub(s.looked) < fresh || !round.IsZero() && !s.looked.Before(round))
}

// arrive counts a ticket that came.
func (s *source) arrive() {
	switch {
	case s.probe > 0:
		s.probe--
	case s.parked[1] > 0:
		s.parked[1]--
	case s.parked[0] > 0:
		s.parked[0]--
	}
}

// request is a pull to be published.
type request struct {
	subject, reply, body string
}

// pump makes pulls when there is reason to.
func (q *Queue) pump() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-q.quit:
			return
		case <-q.kick:
		case <-timer.C:
		}
		q.mu.Lock()
		rs, again := q.decide(time.Now())
		q.mu.Unlock()
		for _, r := range rs {
			if err := q.wire.PublishRequest(r.subject, r.reply, []byte(r.body)); err != nil {
				q.bus.log.Error("pull tickets", "err", err)
			}
		}
		timer.Reset(again)
	}
}

// decide returns the pulls to make now, and when to look again unless something
// happens. The caller holds mu.
func (q *Queue) decide(now time.Time) ([]request, time.Duration) {
	if q.closed {
		return nil, time.Hour
	}
	q.rotate(now)
	idle := len(q.waiting)
	if idle == 0 {
		return nil, q.beFull(now)
	}
	if len(q.classes) == 1 {
		return q.decideOne(q.classes[0], idle, now), parkLost
	}
	for _, s := range q.classes { // one probe at a time: it may be for all who wait
		switch {
		case s.probe == 0:
		case now.Sub(s.probed) < holdTime:
			return nil, holdTime
		default: // at a limit, or lost
			s.probe, s.ready, s.looked = 0, 0, now
		}
	}
	return q.decideMany(idle, now)
}

func (q *Queue) decideOne(s *source, idle int, now time.Time) []request {
	if now.Sub(s.probed) > holdTime {
		s.probe = 0 // of when there were several
	}
	n := idle - s.asked()
	if n <= 0 || n < s.asked() || now.Before(s.paused) {
		return nil
	}
	return []request{q.park(s, n)}
}

func (q *Queue) decideMany(idle int, now time.Time) ([]request, time.Duration) {
	order := slices.Clone(q.classes)
	slices.SortFunc(order, func(a, b *source) int {
		return cmp.Or(cmp.Compare(a.turn, b.turn), cmp.Compare(weights[a.priority], weights[b.priority]), cmp.Compare(a.index, b.index))
	})
	for i, s := range order {
		if now.Before(s.paused) || s.limited || s.empty(now, q.round) || s.ready == 0 && s.asked() > 0 {
			continue
		}
		n := idle
		for _, next := range order[i+1:] { // until another has its turn, which may be a little late
			if !next.limited && !next.empty(now, q.round) {
				n = min(n, max(idle/4, 1+int((next.turn-s.turn)/weights[s.priority])))
				break
			}
		}
		if s.probed = now; q.round.IsZero() {
			q.round = now
		}
		return []request{q.probe(s, n)}, holdTime
	}
	q.round = time.Time{}
	var rs []request
	for _, s := range order {
		if s.asked() == 0 && !now.Before(s.paused) {
			rs = append(rs, q.park(s, max(1, min(maxParked, idle/len(order)))))
		}
	}
	return rs, parkLost
}

func (q *Queue) park(s *source, n int) request {
	s.parked[0] += n
	expires := parkTime
	if !q.bus.seen {
		expires = min(unseenTime, s.lease/2) // what comes for one who was killed is lost for a lease
	}
	return q.request(s, fmt.Sprintf(`{"batch":%d,"expires":%d}`, n, expires))
}

func (q *Queue) probe(s *source, n int) request {
	s.probe += n
	return q.request(s, fmt.Sprintf(`{"batch":%d,"no_wait":true}`, n))
}

func (q *Queue) request(s *source, body string) request {
	return request{s.pull, strings.TrimSuffix(q.inbox.Subject, "*.*") + strconv.Itoa(s.index) + "." + strconv.Itoa(q.rotation), body}
}

// beFull sees to surplus and pulls while nobody waits. The caller holds mu.
func (q *Queue) beFull(now time.Time) time.Duration {
	if q.outstanding() == 0 && len(q.surplus) == 0 {
		return time.Hour
	}
	if left := holdTime - now.Sub(q.full); left > 0 {
		return left
	}
	q.giveBack()
	if q.outstanding() > 0 {
		q.cancelPulls()
	}
	return time.Hour
}

func (q *Queue) outstanding() int {
	n := 0
	for _, s := range q.classes {
		n += s.asked()
	}
	return n
}

// rotate forgets the pulls that must have ended long ago, so that one which was
// lost, with a connection or a leader, is made again. It takes the place of
// heartbeats. The caller holds mu.
func (q *Queue) rotate(now time.Time) {
	if now.Sub(q.rotated) < parkLost {
		return
	}
	q.rotated = now
	q.rotation++
	for _, s := range q.classes {
		s.parked[0], s.parked[1] = 0, s.parked[0]
	}
}
