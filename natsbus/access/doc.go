// Package access writes who may do what as configuration of a NATS server.
//
// Permissions of a user alone would not do: JetStream, and whoever answers a
// request, publishes the answer on a subject that the requester chose, whether or not
// the requester may publish there. Who may read a blob of theirs could so have it
// stored as a decision. Hence each [User] lives in an account of its own, into which
// the subjects on its list are imported: in that account an answer can go nowhere
// else.
//
// The package knows neither roles nor subjects.
package access
