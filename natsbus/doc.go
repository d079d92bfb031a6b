// Package natsbus keeps runs on NATS JetStream: an [engine.Backend] that many
// processes share.
//
// A [Bus] is one connection. The stream of runs holds every run as a log, in which
// each activation owns one subject: its compare-and-set chain is the activation's
// state machine, and publishing the record of how an attempt ended is the commit.
// The stream of tasks is a work queue of tickets, which lead workers to what they
// execute; leases, acks and redeliveries of it are never what safety rests on, the
// chains are. Runs are divided among the processes that drive them by partitions,
// each leased to one of them.
//
// The package knows no handler, no graph and no state: events and values are bytes
// to it, but for the few fields that name a place.
package natsbus
