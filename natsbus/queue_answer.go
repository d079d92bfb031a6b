package natsbus

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
)

// listen begins to hear answers. The caller holds mu.
func (q *Queue) listen() error {
	inbox, err := q.wire.listen(q.arrived)
	if err != nil {
		return translate(err)
	}
	q.inbox = inbox
	return nil
}

// cancelPulls has the server forget all pulls, if it can: nobody listens to their
// answers any more. What is under way to here still arrives, what is not yet counts
// as not delivered. The caller holds mu.
func (q *Queue) cancelPulls() {
	if q.bus.seen {
		q.renewInbox()
	}
}

// forgetPulls is for pulls of which the server may know nothing, as it is another. The
// caller holds mu.
func (q *Queue) forgetPulls() {
	if q.bus.seen {
		q.renewInbox()
		return
	}
	q.rotation++ // what ends of the old ones is not counted
	for _, s := range q.classes {
		s.parked, s.probe = [2]int{}, 0
	}
}

// renewInbox gives up the subject on which answers come. The caller holds mu.
func (q *Queue) renewInbox() {
	old := q.inbox
	if err := q.listen(); err != nil {
		return // the connection is closed
	}
	q.wire.leave(old)
	for _, s := range q.classes {
		s.parked, s.probe = [2]int{}, 0
	}
}

// arrived hears an answer to a pull: a ticket, or why there is none.
func (q *Queue) arrived(m *nats.Msg) {
	if m.Reply == "" {
		q.answered(m)
		return
	}
	meta, err := m.Metadata()
	if err != nil {
		q.bus.log.Error("receive a ticket", "err", err)
		return
	}
	d, err := readTicket(m.Data)
	switch {
	case errors.Is(err, engine.ErrNewer): // once its lease is over it goes to another
		q.bus.log.Warn("leave a ticket to a newer process", "subject", m.Subject, "err", err)
	case err != nil:
		q.refuse(m, meta, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.byName[meta.Consumer]
	l := &lease{queue: q, delivery: d, reply: m.Reply, delivered: int(meta.NumDelivered), term: q.bus.cfg.Lease}
	if s != nil {
		q.round = time.Time{} // what was empty before may be no more
		l.term = s.lease
		s.ready, s.looked = meta.NumPending, time.Now()
		if m.Sub == q.inbox {
			s.arrive()
		}
		q.served = max(q.served, s.turn)
		s.turn = max(s.turn, q.served) + weights[s.priority]
	}
	if d != nil {
		l.begin()
		q.give(l, s)
	}
	q.tellOver()
	if s != nil && (len(q.waiting) > s.asked() || len(q.classes) > 1) {
		q.wake()
	}
}

// answered hears why a pull ended.
func (q *Queue) answered(m *nats.Msg) {
	q.mu.Lock()
	defer q.mu.Unlock()
	rest, ok := strings.CutPrefix(m.Subject, strings.TrimSuffix(q.inbox.Subject, "*.*"))
	if !ok {
		return // canceled
	}
	index, rotation, _ := strings.Cut(rest, ".")
	i, err := strconv.Atoi(index)
	at := slices.IndexFunc(q.classes, func(s *source) bool { return s.index == i })
	if err != nil || at < 0 {
		return
	}
	s, now := q.classes[at], time.Now()
	switch m.Header.Get("Status") {
	case "404": // nothing for a probe
		s.probe, s.ready, s.looked = 0, 0, now
	case "408": // a parked one has ended
		age := 0
		if rotation != strconv.Itoa(q.rotation) {
			age = 1
		}
		left, _ := strconv.Atoi(m.Header.Get("Nats-Pending-Messages"))
		s.parked[age] = max(0, s.parked[age]-left)
		s.ready, s.looked = 0, now
	case "100":
	default: // there is no leader, no consumer, or no permission
		s.parked, s.probe, s.ready = [2]int{}, 0, 0
		s.paused = now.Add(pauseAfter)
		time.AfterFunc(pauseAfter, q.wake)
	}
	s.turn = max(s.turn, q.served+weights[s.priority])
	q.tellOver()
	q.wake()
}

// tellOver wakes Close once no ticket can come any more. The caller holds mu.
func (q *Queue) tellOver() {
	if !q.closed || q.outstanding() > 0 {
		return
	}
	select {
	case <-q.over:
	default:
		close(q.over)
	}
}

// awaitPulls waits for pulls that can't be canceled: what comes of them is given back.
func (q *Queue) awaitPulls() {
	if q.bus.seen || !q.wire.IsConnected() {
		return
	}
	select {
	case <-q.over:
	case <-time.After(unseenTime + holdTime):
	}
}
