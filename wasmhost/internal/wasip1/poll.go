package wasip1

import (
	"context"
	"math"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
)

const (
	// maxSubscriptions bounds one poll_oneoff.
	maxSubscriptions  = 4096
	subscriptionBytes = 48
	eventBytes        = 32
)

// Types of events and subscriptions.
const (
	eventClock uint8 = iota
	eventFdRead
	eventFdWrite
)

// subscription is one record of the list that poll_oneoff is given.
type subscription []byte

func (b subscription) kind() uint8        { return b[8] }
func (b subscription) fd() uint32         { return le.Uint32(b[16:]) }
func (b subscription) clock() uint32      { return le.Uint32(b[16:]) }
func (b subscription) timeout() uint64    { return le.Uint64(b[24:]) }
func (b subscription) clockFlags() uint16 { return le.Uint16(b[40:]) }

// occurrence is what became of a subscription.
type occurrence struct {
	errno guestfs.Errno
	wait  uint64 // ns until it occurs; 0 is at once
	clock uint32 // that it waits for
	bytes uint64 // to be had without waiting
}

// pollOneoff answers with all that is ready. If nothing is, it waits for the
// first clock; descriptors are always ready, so no other wait is possible.
func (s *State) pollOneoff(ctx context.Context, g guest) guestfs.Errno {
	checkInterrupt(ctx)
	count := uint64(g.u32(2))
	if count == 0 || count > maxSubscriptions {
		return guestfs.EINVAL
	}
	in, errno := g.record(0, count*subscriptionBytes)
	if errno != guestfs.OK {
		return errno
	}
	out, errno := g.record(1, count*eventBytes)
	if errno != guestfs.OK {
		return errno
	}
	result, errno := g.record(3, 4)
	if errno != guestfs.OK {
		return errno
	}
	first, errno := s.soonest(in)
	if errno != guestfs.OK {
		return errno
	}
	events := s.putEvents(in, out, first.wait)
	le.PutUint32(result, events)
	if first.wait > 0 {
		s.sleep(ctx, first.clock, first.wait)
	}
	return guestfs.OK
}

// soonest is what occurs before all others.
func (s *State) soonest(in []byte) (occurrence, guestfs.Errno) {
	first := occurrence{wait: math.MaxUint64}
	for ; len(in) > 0; in = in[subscriptionBytes:] {
		o, errno := s.occurs(subscription(in[:subscriptionBytes]))
		if errno != guestfs.OK {
			return occurrence{}, errno
		}
		if o.wait < first.wait {
			first = o
		}
	}
	return first, guestfs.OK
}

// putEvents writes what occurs within wait and answers how many that is.
func (s *State) putEvents(in, out []byte, wait uint64) uint32 {
	events := uint32(0)
	for ; len(in) > 0; in = in[subscriptionBytes:] {
		b := subscription(in[:subscriptionBytes])
		o, _ := s.occurs(b)
		if o.wait > wait {
			continue
		}
		userdata, kind := le.Uint64(b), b.kind()
		event := out[:eventBytes]
		clear(event)
		le.PutUint64(event, userdata)
		le.PutUint16(event[8:], uint16(o.errno))
		event[10] = kind
		le.PutUint64(event[16:], o.bytes)
		out = out[eventBytes:]
		events++
	}
	return events
}

// occurs tells when a subscription occurs; EINVAL if it makes no sense.
func (s *State) occurs(b subscription) (occurrence, guestfs.Errno) {
	switch b.kind() {
	case eventClock:
		return s.clockOccurs(b)
	case eventFdRead:
		return s.readOccurs(b.fd()), guestfs.OK
	case eventFdWrite:
		_, errno := s.descriptor(b.fd(), rightPollFdReadwrite)
		return occurrence{errno: errno, bytes: maxTransfer}, guestfs.OK
	default:
		return occurrence{}, guestfs.EINVAL
	}
}

func (s *State) clockOccurs(b subscription) (occurrence, guestfs.Errno) {
	const absolute = 1
	switch {
	case b.clockFlags() > absolute || b.clock() >= clockCount:
		return occurrence{}, guestfs.EINVAL
	case b.clock() > clockMonotonic:
		// A guest that waits doesn't compute: its CPU clock would never get there.
		return occurrence{errno: guestfs.ENOTSUP}, guestfs.OK
	case b.clockFlags() == absolute:
		now := s.now(b.clock())
		return occurrence{wait: b.timeout() - min(now, b.timeout()), clock: b.clock()}, guestfs.OK
	default:
		return occurrence{wait: b.timeout(), clock: b.clock()}, guestfs.OK
	}
}

func (s *State) readOccurs(fd uint32) occurrence {
	d, errno := s.descriptor(fd, rightPollFdReadwrite)
	if errno != guestfs.OK {
		return occurrence{errno: errno}
	}
	switch d.kind {
	case stdin:
		return occurrence{bytes: uint64(len(s.config.Stdin)) - uint64(d.offset)}
	case regular:
		stat, errno := d.file.Stat()
		return occurrence{errno: errno, bytes: uint64(max(0, stat.Size-d.offset))}
	default:
		return occurrence{}
	}
}
