package natsbus

import (
	"github.com/nats-io/nats.go/jetstream"
)

// nodesStream is where processes say that they are there, and what is theirs. Who
// is gone is forgotten by itself.
func nodesStream(Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              streamNodes,
		Description:       "processes that are there, and the owners of partitions",
		Subjects:          []string{"gf.node.>"},
		MaxMsgsPerSubject: 1,
		AllowMsgTTL:       true,
		AllowDirect:       true,
	}
}
