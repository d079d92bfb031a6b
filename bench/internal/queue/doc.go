// Package queue runs the same job, which does nothing, on several task queues:
// asynq, River, JetStream as it is, and ours. A [Peer] is one of them with its
// settings, among them how durable it is: only peers of one [Class] compare.
//
// Each peer has its turn in each round, alone, on a server of its own that starts
// empty. In a turn jobs come at a steady pace to idle workers, for the latency;
// then many at once, before there are workers, and while there are, for the
// throughput. Each job is counted when it runs: none may be lost, and those that
// run twice are told.
package queue
