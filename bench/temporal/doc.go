// Command temporal measures Temporal, its server in this process over SQLite, by its Go
// SDK, with the jobs and flows that make bench-peers gives to every system. It prints
// the records of one turn of each class of durability, a line each, for cmd/peers, which
// starts it in its turn.
//
// It has a module of its own: Temporal's dependencies are many, want a newer Go and
// other versions than ours, and are to touch nothing else.
package main
