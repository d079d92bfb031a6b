package natsbus

import (
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Subjects of the live channels: gf.ch.<namespace>.<run>, and
//
//	.k.<key>        what a key holds
//	.l.<lock>       who holds a lock
//	.l.forgotten    the channel was forgotten; no token of a name looks like this
//
// Each holds one message, the last, whose sequence is what a write of it expects.
const (
	channelRoot = "gf.ch."
	leafKey     = ".k."
	leafLock    = ".l."
	allLocks    = "forgotten" // in place of a lock
)

// noticeRoot begins the subjects on which the stream repeats what it has stored of
// locks: gf.lock.<namespace>.<run>.<lock>.
const noticeRoot = "gf.lock."

// maxSubject bounds subjects: a server takes no longer line than 4 KiB.
const maxSubject = 3 << 10

// channelStream holds the live channels. Messages end with keys that expire, but
// there are no markers for it: they need rollups, with which the right to write one
// subject is the right to write them all. It allows no direct reads: they may be
// answered by a replica that lags behind.
func channelStream(Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              streamChannel,
		Description:       "live channels of runs: a key or lock is a subject, its last message what it holds",
		Subjects:          []string{channelRoot + ">"},
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardNew,
		AllowMsgTTL:       true,
		DenyDelete:        true,
		RePublish: &jetstream.RePublish{
			Source:      channelRoot + "*.*" + leafLock + "*",
			Destination: noticeRoot + "{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}",
		},
	}
}

// prefix is what the subjects of a run's channel begin with.
func (c *Channel) prefix(run string) string {
	return channelRoot + token(c.bus.cfg.Namespace) + "." + token(run)
}

// subject is that of a key or a lock.
func (c *Channel) subject(run, leaf, name string) (string, error) {
	subject := c.prefix(run) + leaf + token(name)
	if len(subject) > maxSubject {
		return "", fmt.Errorf("channel of run %q: the name %.40q… has %d bytes, too many; use a shorter one, or a digest", run, name, len(name))
	}
	return subject, nil
}
