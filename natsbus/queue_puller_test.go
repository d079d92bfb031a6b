package natsbus

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// pullServer is what a Queue pulls from, without a network: it answers as the server
// does, and counts what it is asked for and what comes back. In a bubble of synctest
// its counts follow from what the queue does, and from no machine's speed.
type pullServer struct {
	tb   testing.TB
	seen bool                            // it sees who has left
	told func(c *pulledClass, p *pulled) // of each pull, before it is answered
	all  sync.WaitGroup

	mu      sync.Mutex              // guards what follows
	way     time.Duration           // of what it sends
	inboxes map[string]*pullInbox   // by the beginning of their subjects
	made    int                     // inboxes
	onWay   map[*pulledClass]int    // tickets sent that have not come
	classes map[string]*pulledClass // by consumer
}

// pulledClass is a class at the server.
type pulledClass struct {
	class
	name   string
	ready  []int // tickets, each with how often it was delivered
	pulls  []*pulled
	losing bool // pulls do not come

	delivered, again, acked, returned int
}

// pulled is a pull.
type pulled struct {
	reply string
	asked int
	left  int
	probe bool
}

// pullInbox is told what is sent to it, in order.
type pullInbox struct {
	sub  *nats.Subscription
	sent chan pullSent
	gone bool
}

// pullSent is a message that is on its way until a time.
type pullSent struct {
	*nats.Msg
	until time.Time
}

var _ wire = (*pullServer)(nil)

// newPullServer returns one, with classes, and a queue that has found them.
func newPullServer(tb testing.TB, seen bool, classes ...class) (*pullServer, *Queue) {
	tb.Helper()
	f := &pullServer{
		tb: tb, seen: seen, told: func(*pulledClass, *pulled) {},
		inboxes: map[string]*pullInbox{}, onWay: map[*pulledClass]int{}, classes: map[string]*pulledClass{},
	}
	q := &Queue{
		bus: &Bus{cfg: Config{Namespace: "main", Lease: 10 * time.Second}, log: slog.New(slog.DiscardHandler), seen: seen}, wire: f,
		kick: make(chan struct{}, 1), quit: make(chan struct{}), over: make(chan struct{}),
		ensured: map[class]time.Time{}, byName: map[string]*source{}, started: true, rotated: time.Now(),
	}
	if err := q.listen(); err != nil {
		tb.Fatal(err)
	}
	for _, c := range classes {
		cfg := c.consumerConfig(q.bus.cfg, 0)
		f.classes[cfg.Durable] = &pulledClass{class: c, name: cfg.Durable}
		q.add(c, cfg)
	}
	q.all.Go(q.pump)
	tb.Cleanup(func() {
		q.Close()
		f.all.Wait()
	})
	return f, q
}

// IsConnected implements wire.
func (f *pullServer) IsConnected() bool { return true }

// RequestWithContext implements wire.
func (f *pullServer) RequestWithContext(_ context.Context, subject string, data []byte) (*nats.Msg, error) {
	return &nats.Msg{}, f.Publish(subject, data)
}

func (f *pullServer) listen(hear nats.MsgHandler) (*nats.Subscription, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made++
	prefix := fmt.Sprintf("_INBOX.%d.", f.made)
	in := &pullInbox{sub: &nats.Subscription{Subject: prefix + "*.*"}, sent: make(chan pullSent, 1<<12)}
	f.inboxes[prefix] = in
	f.all.Go(func() {
		for m := range in.sent {
			time.Sleep(time.Until(m.until))
			f.come(m.Msg)
			hear(m.Msg)
		}
	})
	return in.sub, nil
}

// come takes note that a message has come.
func (f *pullServer) come(m *nats.Msg) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.Reply != "" {
		f.onWay[f.classes[strings.Split(m.Reply, ".")[3]]]--
	}
}

func (f *pullServer) leave(inbox *nats.Subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in := f.inboxes[strings.TrimSuffix(inbox.Subject, "*.*")]
	in.gone = true
	close(in.sent) // what has been sent comes still
}

// inbox is where an answer goes; nil if nobody hears it any more.
func (f *pullServer) inbox(reply string) *pullInbox {
	tokens := strings.SplitAfter(reply, ".")
	in := f.inboxes[tokens[0]+tokens[1]]
	if in.gone {
		return nil
	}
	return in
}

// send sends a message. The caller holds mu.
func (f *pullServer) send(m *nats.Msg) {
	in := f.inbox(m.Subject)
	if in == nil {
		return
	}
	m.Sub = in.sub
	in.sent <- pullSent{m, time.Now().Add(f.way)}
}

// PublishRequest implements wire: it takes a pull.
func (f *pullServer) PublishRequest(subject, reply string, data []byte) error {
	var r struct {
		Batch   int           `json:"batch"`
		Expires time.Duration `json:"expires"`
		NoWait  bool          `json:"no_wait"`
	}
	if err := json.Unmarshal(data, &r); err != nil || r.Batch <= 0 || (r.Expires > 0) == r.NoWait {
		f.tb.Errorf("a pull is %s: %v", data, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.classes[subject[strings.LastIndex(subject, ".")+1:]]
	p := &pulled{reply: reply, asked: r.Batch, left: r.Batch, probe: r.NoWait}
	if f.inbox(reply) == nil {
		return nil
	}
	f.told(c, p)
	if c.losing {
		return nil
	}
	c.pulls = append(c.pulls, p)
	f.deliver(c)
	if p.probe {
		f.end(c, p, nats.Header{"Status": {"404"}})
		return nil
	}
	f.all.Go(func() {
		time.Sleep(r.Expires)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.end(c, p, nats.Header{"Status": {"408"}, "Nats-Pending-Messages": {strconv.Itoa(p.left)}})
	})
	return nil
}

// end ends a pull that has not got all it asked for. The caller holds mu.
func (f *pullServer) end(c *pulledClass, p *pulled, why nats.Header) {
	for i, other := range c.pulls {
		if other == p {
			c.pulls = append(c.pulls[:i:i], c.pulls[i+1:]...)
			f.send(&nats.Msg{Subject: p.reply, Header: why})
			return
		}
	}
}

// deliver sends tickets to who waits for them. The caller holds mu.
func (f *pullServer) deliver(c *pulledClass) {
	for len(c.ready) > 0 && len(c.pulls) > 0 {
		p := c.pulls[0]
		if p.left == 0 || f.inbox(p.reply) == nil {
			c.pulls = c.pulls[1:]
			continue
		}
		times := c.ready[0] + 1
		c.ready = c.ready[1:]
		c.delivered++
		if times > 1 {
			c.again++
		}
		if p.left--; p.left == 0 {
			c.pulls = c.pulls[1:]
		}
		f.onWay[c]++
		f.send(&nats.Msg{
			Subject: p.reply, Data: []byte(`{"run":"r","activation":"a","attempt":1,"rev":3,"seq":2}`),
			Reply: fmt.Sprintf("$JS.ACK.%s.%s.%d.%d.%d.%d.%d", streamTasks, c.name, times, c.delivered, c.delivered, time.Now().UnixNano(), len(c.ready)),
		})
	}
}

// Publish implements wire: it takes an ack, or a ticket back.
func (f *pullServer) Publish(subject string, data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	tokens := strings.Split(subject, ".")
	c := f.classes[tokens[3]]
	switch string(data) {
	case string(ackDone):
		c.acked++
	case string(ackAgain):
		times, _ := strconv.Atoi(tokens[4])
		c.returned++
		c.ready = append([]int{times}, c.ready...)
		f.deliver(c)
	}
	return nil
}

// put adds tickets.
func (f *pullServer) put(n int, to ...class) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.classes {
		for _, wanted := range to {
			if c.class == wanted {
				c.ready = append(c.ready, make([]int, n)...)
				f.deliver(c)
			}
		}
	}
}

// lose lets pulls of a class not come, or come again.
func (f *pullServer) lose(c class, losing bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.classes[c.consumer("main")].losing = losing
}

// asked is how many tickets pulls of a class wait for. The caller holds mu.
func (f *pullServer) asked(c *pulledClass) (n int) {
	for _, p := range c.pulls {
		if f.inbox(p.reply) != nil {
			n += p.left
		}
	}
	return n
}

// pullCounts are sums over all classes.
type pullCounts struct{ asked, ready, held, delivered, again, returned, acked int }

func (f *pullServer) counts() (n pullCounts) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.classes {
		n.asked += f.asked(c)
		n.ready += len(c.ready)
		n.held += c.delivered - c.acked - c.returned
		n.delivered += c.delivered
		n.again += c.again
		n.returned += c.returned
		n.acked += c.acked
	}
	return n
}
