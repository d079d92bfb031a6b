package natsbus

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Headers of a channel's messages. The payload is the value.
const (
	headerGone  = "Gf-Gone"  // there is nothing any more
	headerTTL   = "Gf-Ttl"   // it expires so long after it was stored, ns
	headerUntil = "Gf-Until" // it expires then: the server's Unix time, ns
	headerSince = "Gf-Since" // the value is that of this sequence: only when it expires has changed
	headerIDs   = "Gf-Ids"   // this write and those before it, the latest first
)

const (
	idSize = 8
	// maxIDs bounds how many writes a message remembers: after so many others a
	// write whose outcome was open can't be told to have taken place.
	maxIDs = 32
	// linger is how long a message outlives what it says. It must be there for
	// those who ask what became of a write, and for watches that were cut off.
	linger = time.Minute
	// forEver is a time after which no server is asked to drop a message.
	forEver = 100 * 365 * 24 * time.Hour
	// overhead is more than what a message takes beside the value.
	overhead = 2 << 10
)

// cell is what a subject holds.
type cell struct {
	seq    uint64 // 0: nothing was stored
	there  bool
	value  json.RawMessage
	until  int64  // when it expires by the server's clock, Unix ns; 0 is never
	stored int64  // by the same clock
	since  uint64 // the sequence that brought the value
	ids    []byte
}

// at tells whether there is something at a time.
func (c *cell) at(now int64) bool { return c.there && (c.until == 0 || now < c.until) }

// wrote tells whether a write is among those that a cell remembers.
func (c *cell) wrote(id []byte) bool {
	for ids := c.ids; len(ids) >= idSize; ids = ids[idSize:] {
		if bytes.Equal(ids[:idSize], id) {
			return true
		}
	}
	return false
}

func readCell(seq uint64, stored time.Time, header nats.Header, data []byte) (cell, error) {
	c := cell{seq: seq, there: header.Get(headerGone) == "", value: data, stored: stored.UnixNano()}
	var err error
	if c.ids, err = base64.RawStdEncoding.DecodeString(header.Get(headerIDs)); err != nil {
		return cell{}, fmt.Errorf("message %d of stream %s: header %s: %w", seq, streamChannel, headerIDs, err)
	}
	since, ttl := int64(seq), int64(0)
	for name, number := range map[string]*int64{headerUntil: &c.until, headerTTL: &ttl, headerSince: &since} {
		text := header.Get(name)
		if text == "" {
			continue
		}
		if *number, err = strconv.ParseInt(text, 10, 64); err != nil {
			return cell{}, fmt.Errorf("message %d of stream %s: header %s: %w", seq, streamChannel, name, err)
		}
	}
	if c.since = uint64(since); ttl != 0 {
		c.until = later(c.stored, ttl)
	}
	return c, nil
}

func later(at, d int64) int64 {
	if at > math.MaxInt64-d {
		return math.MaxInt64
	}
	return at + d
}

// draft is what a cell is to become. It expires ttl after it is stored, or at until,
// or never.
type draft struct {
	there bool
	value json.RawMessage
	ttl   time.Duration
	until int64
	since uint64 // the sequence that brought the value; 0: this one does
	now   int64  // of the server, if until is set
}

// draft begins with what a cell holds at a time.
func (c *cell) draft(now int64) draft {
	if !c.at(now) {
		return draft{now: now}
	}
	return draft{there: true, value: c.value, until: c.until, since: c.since, now: now}
}

// put sets the value, which keeps the time that it has.
func (d *draft) put(value json.RawMessage) { d.there, d.value, d.since = true, value, 0 }

// expire sets when the value expires; 0 is never.
func (d *draft) expire(ttl time.Duration) { d.ttl, d.until = ttl, 0 }

// drop leaves nothing.
func (d *draft) drop() { *d = draft{now: d.now} }

// left is the time until it expires; 0 is for good.
func (d *draft) left() time.Duration {
	if d.until != 0 {
		return time.Duration(d.until - d.now)
	}
	return d.ttl
}

// message is the draft as it is published in place of a cell; the id is that of the
// write.
func (d *draft) message(subject string, old *cell) (m *nats.Msg, id []byte) {
	id = make([]byte, idSize)
	_, _ = rand.Read(id) // never fails
	ids := append(id[:idSize:idSize], old.ids...)
	ids = ids[:min(len(ids), maxIDs*idSize)]
	m = nats.NewMsg(subject)
	m.Header[headerIDs] = []string{base64.RawStdEncoding.EncodeToString(ids)}
	m.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(old.seq, 10)}
	if !d.there {
		m.Header[headerGone] = []string{"1"}
		lasts(m, linger)
		return m, id
	}
	m.Data = d.value
	if d.since != 0 {
		m.Header[headerSince] = []string{strconv.FormatUint(d.since, 10)}
	}
	switch {
	case d.until != 0:
		m.Header[headerUntil] = []string{strconv.FormatInt(d.until, 10)}
	case d.ttl != 0:
		m.Header[headerTTL] = []string{strconv.FormatInt(int64(d.ttl), 10)}
	}
	if left := d.left(); left != 0 && left < forEver {
		lasts(m, left+linger)
	}
	return m, id
}

// lasts lets the server drop a message after a time.
func lasts(m *nats.Msg, d time.Duration) {
	seconds := int64((d + time.Second - 1) / time.Second)
	m.Header[jetstream.MsgTTLHeader] = []string{strconv.FormatInt(max(seconds, 1), 10)}
}
