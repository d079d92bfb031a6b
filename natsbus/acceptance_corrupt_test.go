package natsbus_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/natsbus"
)

// stranger writes to the streams what no engine does.
type stranger struct {
	*cluster

	js jetstream.JetStream
}

func (c *cluster) stranger() stranger {
	c.Helper()
	nc, err := c.connect()
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		c.Fatal(err)
	}
	return stranger{c, js}
}

func (s stranger) publish(subject, data string, header nats.Header) {
	s.Helper()
	if _, err := s.js.PublishMsg(s.Context(), &nats.Msg{Subject: subject, Data: []byte(data), Header: header}); err != nil {
		s.Fatal(err)
	}
}

// logOf is what the subjects of a run's log begin with. Names are plain ones here.
func (s stranger) logOf(run string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.namespace + "\x00" + run)) // never fails
	return fmt.Sprintf("gf.run.%d._%s._%s.", h.Sum32()%natsbus.Partitions, s.namespace, run)
}

// spoil changes a byte of the first chunk of a run's graph, as who has the server's
// files can.
func (s stranger) spoil(run string) {
	s.Helper()
	stream, err := s.js.Stream(s.Context(), "GF_BLOB")
	if err != nil {
		s.Fatal(err)
	}
	info, err := stream.Info(s.Context(), jetstream.WithSubjectFilter("gf.blob._"+s.namespace+"._"+run+".*.0"))
	if err != nil || len(info.State.Subjects) != 1 {
		s.Fatalf("run %s has %v as blobs, want its graph; %v", run, info.State.Subjects, err)
	}
	for subject := range info.State.Subjects {
		was, err := stream.GetLastMsgForSubject(s.Context(), subject)
		if err != nil {
			s.Fatal(err)
		}
		if err := stream.DeleteMsg(s.Context(), was.Sequence); err != nil {
			s.Fatal(err)
		}
		now := bytes.Replace(was.Data, []byte(`"id"`), []byte(`"di"`), 1)
		if bytes.Equal(now, was.Data) {
			s.Fatalf("nothing to change in %s", was.Data)
		}
		s.publish(subject, string(now), was.Header)
	}
}

// letters waits for so many dead letters, and returns them, the oldest first.
func (c *cluster) letters(n *node, want int) []natsbus.DeadLetter {
	c.Helper()
	var all []natsbus.DeadLetter
	c.eventually(fmt.Sprintf("%d dead letters", want), func() bool {
		got, err := n.bus.DeadLetters(c.Context(), 0, 100)
		if err != nil {
			c.Fatal(err)
		}
		all = got
		return len(all) >= want
	})
	if len(all) != want {
		c.Errorf("%d dead letters, want %d: %+v", len(all), want, all)
	}
	return all
}

// corrupt waits until a run is marked as such, and returns what its mark says.
func (c *cluster) corrupt(n *node, run string) string {
	c.Helper()
	var mark engine.Mark
	c.eventually("run "+run+" is marked as corrupt", func() bool {
		got, err := n.bus.Run(c.Context(), run)
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			c.Fatal(err)
		}
		mark = got
		return mark.Status == engine.StatusFailed && mark.Reason == engine.ReasonCorrupt
	})
	return mark.Error
}

// malformedTickets: what is no ticket is a dead letter with the reason and what it was,
// and its worker goes on.
func malformedTickets(c *cluster) {
	worker := c.node("worker", engine.PartBoth, 2)
	g := c.graph(engine.Seq(fn("a", "id"), fn("b", "id")))
	c.succeed(c.start(worker, g, "before"), `"b"`) // the queue is there
	s := c.stranger()
	tickets := []string{"not JSON", `{"run":5}`, `{}`, ""}
	for i, text := range tickets {
		s.publish(fmt.Sprintf("gf.task._default._.n._%s._r._a.%d", c.namespace, i), text, nil)
	}
	// Of a run that is not there, or of an activation that its run does not have, they
	// are void: such are left by runs that were removed.
	s.publish("gf.task._default._.n._"+c.namespace+"._gone._a.1", `{"run":"gone","activation":"a","attempt":1,"rev":1,"seq":1}`, nil)
	s.publish("gf.task._default._.n._"+c.namespace+"._before._x.1", `{"run":"before","activation":"x","attempt":1,"rev":1,"seq":1}`, nil)
	letters := c.letters(worker, len(tickets))
	for _, want := range tickets {
		found := false
		for _, l := range letters {
			found = found || string(l.Data) == fmt.Sprintf("%q", want) && strings.Contains(l.Reason, "read a ticket") && strings.Contains(l.Reason, "gf.task.")
		}
		if !found {
			c.Errorf("no dead letter of %q with its reason: %+v", want, letters)
		}
	}
	c.succeed(c.start(worker, g, "after"), `"b"`)
	c.eventually("no ticket is left", func() bool {
		queues, err := worker.bus.Queues(c.Context())
		if err != nil {
			c.Fatal(err)
		}
		return len(queues) == 1 && queues[0].Ready == 0 && queues[0].InFlight == 0
	})
}

// malformedEvents: a run whose log holds what is no event is given up as corrupt, with
// a dead letter that says why; who drives and executes it goes on with others.
func malformedEvents(c *cluster) {
	places := map[string]string{"decision": "d.ev", "task": "t._a", "nobody": "t._x"}
	begun, gate := make(chan string, len(places)), make(chan struct{})
	c.funcs["gate"] = func(_ *node, t *direct.Context) (any, error) {
		begun <- t.Call.Run
		<-gate
		return nil, nil
	}
	client := c.node("client", engine.PartNone, 1)
	c.node("owner", engine.PartOwner, 1)
	worker := c.node("worker", engine.PartWorker, 4)
	g := c.graph(engine.Seq(fn("a", "gate"), fn("b", "id")))
	sound := c.start(client, g, "sound")
	receive(c, "a task begins", begun)
	s := c.stranger()
	for run, at := range places {
		o := c.start(client, g, run)
		receive(c, "a task begins", begun)
		s.publish(s.logOf(run)+at, `{"type":"completed",`, nil)
		if reason := c.corrupt(client, run); !strings.Contains(reason, "unexpected end of JSON") {
			c.Errorf("%s: the mark says %q", run, reason)
		}
		ctx, cancel := c.soon()
		if _, err := o.Wait(ctx); !errors.Is(err, engine.ErrUnreadable) {
			c.Errorf("%s: who waits for the run gets %v, want ErrUnreadable", run, err)
		}
		cancel()
	}
	close(gate)
	c.succeed(sound, `"b"`)
	c.succeed(c.start(client, g, "after"), `"b"`)
	c.eventually("the worker has nothing", func() bool { return worker.Stats().Active == 0 })
	for _, l := range c.letters(client, len(places)) {
		if places[l.Run] == "" || !strings.Contains(l.Reason, "unexpected end of JSON") || !strings.Contains(l.Reason, "event ") {
			c.Errorf("dead letter %+v: want which event of which run can't be read, and why", l)
		}
	}
}

// tamperedGraph: a run whose stored graph is not what was submitted is refused, and
// nothing of it is executed.
func tamperedGraph(c *cluster) {
	client := c.node("client", engine.PartNone, 1)
	g := c.graph(fn("a", "id"))
	c.start(client, g, "bad")
	c.stranger().spoil("bad")
	node := c.node("node", engine.PartBoth, 2)
	if reason := c.corrupt(node, "bad"); !strings.Contains(reason, "digest") {
		c.Errorf("the mark says %q", reason)
	}
	if l := c.letters(node, 1)[0]; l.Run != "bad" || !strings.Contains(l.Reason, "digest") {
		c.Errorf("dead letter %+v, want the run and its reason", l)
	}
	if _, err := node.Follow(c.Context(), "bad"); !errors.Is(err, engine.ErrUnreadable) && !errors.Is(err, engine.ErrGraph) {
		c.Errorf("follow it: %v, want it to be refused", err)
	}
	c.succeed(c.start(client, g, "good"), `"a"`)
	c.processed(node, engine.Stats{Processed: 1, Succeeded: 1}) // the task of the other run
	if got := c.commits("bad"); len(got) != 0 {
		c.Errorf("committed %v", got)
	}
}

// tamperedWhileDriven: who drives the run has read its graph before it was tampered
// with, who is to execute has not: it refuses, and the run fails for that.
func tamperedWhileDriven(c *cluster) {
	client := c.node("client", engine.PartNone, 1)
	owner := c.node("owner", engine.PartOwner, 1)
	g := c.graph(engine.Seq(fn("a", "id"), fn("b", "id")))
	o := c.start(client, g, "bad")
	c.eventually("a ticket waits", func() bool {
		queues, err := owner.bus.Queues(c.Context())
		return err == nil && len(queues) == 1 && queues[0].Ready == 1
	})
	c.stranger().spoil("bad")
	worker := c.node("worker", engine.PartWorker, 2)
	out := c.wait(o)
	if out.Status != engine.StatusFailed || out.Error == nil || !strings.Contains(out.Error.Message, "digest") {
		c.Errorf("outcome %+v (%v), want a failure for the digest", out, out.Error)
	}
	if l := c.letters(client, 1)[0]; l.Run != "bad" || l.Activation != "a" || !strings.Contains(l.Reason, "digest") {
		c.Errorf("dead letter %+v, want the run, the activation, and its reason", l)
	}
	c.succeed(c.start(client, g, "good"), `"b"`)
	c.processed(worker, engine.Stats{Processed: 3, Succeeded: 2, Failed: 1})
}
