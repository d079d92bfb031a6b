package natsbus

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// after returns stored records of a run that follow a sequence, in order, possibly
// only the first of them; none means that there are no more. done tells that there
// were no more than these for certain: of several servers one that was the leader until
// it was suspended says for a moment what it knew then.
func (j *Journal) after(ctx context.Context, run string, after uint64) (all []*entry, done bool, err error) {
	for range 3 {
		if all, done, err = j.afterOnce(ctx, run, after); !errors.Is(err, errGone) {
			break
		}
	}
	return all, done, err
}

// errGone is a record that was there a moment ago: its run is archived just now, or
// forgotten.
var errGone = errors.New("a record was dropped meanwhile")

// afterOnce asks for the last record of each chain, and follows what each expected
// before it: those the server finds at once, wherever they are. To find the next on
// any of a run's subjects it looks at all that is stored from there on, whichever
// run's it is; so only runs are read that way of which it does not list the
// subjects, since there are too many.
func (j *Journal) afterOnce(ctx context.Context, run string, after uint64) (all []*entry, done bool, err error) {
	subject := j.bus.runPrefix(run) + ".>"
	lasts, done, err := j.bus.page(ctx, j.inbox, streamRuns, pageQuery{Seq: after + 1, Multi: []string{subject}, Batch: listed})
	switch {
	case errors.Is(err, errWide), err == nil && !done:
		return j.pageAfter(ctx, subject, after)
	case err != nil:
		return nil, false, err
	case len(lasts) == 0 && j.bus.cfg.Replicas > 1: // the replica that answered may not have it yet
		all, err = j.next(ctx, subject, after)
		return all, false, err
	}
	all, err = j.chains(ctx, lasts, after)
	return all, err == nil && j.bus.cfg.Replicas == 1, err
}

// listed is how many last messages the server lists at most.
const listed = 1024

// chains returns the records of chains after a sequence, of which the last are given.
func (j *Journal) chains(ctx context.Context, lasts []*nats.Msg, after uint64) ([]*entry, error) {
	c := chainWalk{known: make(map[uint64]bool, len(lasts)), whole: map[string]bool{}, all: make([]*entry, 0, len(lasts)+8), after: after}
	for _, m := range lasts {
		e, err := entryOf(m)
		if err != nil {
			return nil, err
		}
		c.add(e, m.Header.Get(jetstream.SubjectHeader), m.Header)
	}
	for hop := 0; ; hop++ {
		near, far := c.open(hop)
		if len(near)+len(far) == 0 {
			break
		}
		found, err := j.records(ctx, near)
		if err != nil {
			return nil, err
		}
		for _, l := range far {
			more, err := j.subjectAfter(ctx, l, after)
			if err != nil {
				return nil, err
			}
			found = append(found, more...)
		}
		for _, m := range found {
			c.add(&entry{seq: m.seq, start: isStart(m.subject), data: m.data, blob: m.header.Get(headerBlob)}, m.subject, m.header)
		}
	}
	slices.SortFunc(c.all, func(x, y *entry) int { return cmp.Compare(x.seq, y.seq) })
	return c.all, nil
}

// chainWalk is what of a run's chains was found.
type chainWalk struct {
	after uint64
	known map[uint64]bool // by sequence
	whole map[string]bool // subjects that were fetched as a whole
	all   []*entry
	links []link
}

// link leads to the record before one in its chain.
type link struct {
	to      uint64 // its sequence; 0: not known
	subject string // of the one whose link it is
	of      uint64 // the sequence of that
}

func (c *chainWalk) add(e *entry, subject string, h nats.Header) {
	if c.known[e.seq] {
		return
	}
	c.known[e.seq] = true
	c.all = append(c.all, e)
	l := link{subject: subject, of: e.seq}
	if text := h.Get(jetstream.ExpectedLastSubjSeqHeader); text != "" && trusted(subject, h) {
		var err error
		if l.to, err = strconv.ParseUint(text, 10, 64); err == nil && l.to <= c.after {
			return // the first of those wanted
		}
	}
	c.links = append(c.links, l)
}

// trusted tells whether a record can't lie about what was before it: the server has
// compared that, with the same chain. What workers write may name another.
func trusted(subject string, h nats.Header) bool {
	return h.Get(jetstream.ExpectedLastSubjSeqSubjHeader) == "" || strings.HasSuffix(subject, leafDecision) || isStart(subject)
}

// hops is how many records of a chain are fetched one by one; behind that all that
// are left of it are fetched together.
const hops = 6

// open takes the links that lead to what is not known: near ones to single records,
// one for each, and far ones to the rest of a subject.
func (c *chainWalk) open(hop int) (near, far []link) {
	for _, l := range c.links {
		switch {
		case c.known[l.to] || c.whole[l.subject]:
		case l.to == 0 || hop >= hops:
			far = append(far, l)
			c.whole[l.subject] = true
		default:
			near = append(near, l)
		}
	}
	c.links = nil
	return near, far
}

// records fetches records by their sequences.
func (j *Journal) records(ctx context.Context, links []link) ([]*kept, error) {
	if len(links) == 0 {
		return nil, nil
	}
	wants := make([]wanted, len(links))
	for i, l := range links {
		wants[i].Seq = l.to
	}
	found, err := j.bus.pick(ctx, streamRuns, wants)
	if err != nil {
		return nil, err
	}
	for i, m := range found {
		if m != nil {
			continue
		}
		r, err := j.bus.look(ctx, streamRuns, lookup{Seq: links[i].to}) // that replica may be behind
		switch {
		case errors.Is(err, engine.ErrNotFound):
			return nil, errGone
		case err != nil:
			return nil, err
		}
		found[i] = &kept{subject: r.Subject, seq: r.Seq, header: r.header, data: r.Data}
	}
	return found, nil
}

// subjectAfter fetches what is stored on the subject of a link's record between a
// sequence and that record.
func (j *Journal) subjectAfter(ctx context.Context, l link, after uint64) (all []*kept, err error) {
	for {
		found, err := j.bus.gather(ctx, streamRuns, wanted{Seq: after + 1, Next: l.subject, Batch: directBatch})
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, errGone // not even that record
		}
		for _, m := range found {
			if after = m.seq; after >= l.of {
				return all, nil
			}
			all = append(all, m)
		}
	}
}

// pageAfter reads a page of what is stored on subjects after a sequence.
func (j *Journal) pageAfter(ctx context.Context, subject string, after uint64) (all []*entry, done bool, err error) {
	page, done, err := j.bus.page(ctx, j.inbox, streamRuns, pageQuery{Seq: after + 1, Next: subject, Batch: pageSize})
	if err != nil {
		return nil, false, err
	}
	if len(page) == 0 && j.bus.cfg.Replicas > 1 {
		all, err = j.next(ctx, subject, after)
		return all, false, err
	}
	all = make([]*entry, len(page))
	for i, m := range page {
		if all[i], err = entryOf(m); err != nil {
			return nil, false, err
		}
	}
	return all, done && j.bus.cfg.Replicas == 1, nil
}

// next asks the leader for the record that follows.
func (j *Journal) next(ctx context.Context, subject string, after uint64) ([]*entry, error) {
	r, err := j.bus.look(ctx, streamRuns, lookup{Last: subject})
	if err == nil && r.Seq > after {
		r, err = j.bus.look(ctx, streamRuns, lookup{Seq: after + 1, Next: subject})
	}
	switch {
	case errors.Is(err, engine.ErrNotFound), err == nil && r.Seq <= after:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []*entry{{seq: r.Seq, start: isStart(r.Subject), data: r.Data, blob: r.header.Get(headerBlob)}}, nil
}
