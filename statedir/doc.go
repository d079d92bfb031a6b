// Package statedir keeps runs in a directory: an engine.Backend for one machine
// and one process at a time, that loses nothing it has reported as stored.
//
// [Open] takes the directory's lock and returns a [Dir]; [Dir.Backend] is what
// an engine runs over. Each run has an append-only log of its own, in segments
// of records with a checksum each, and one more for its live channel. Appends
// that come together are written and synced together ([Sync] says when they
// count as stored). What a crash left half written at the end of a log is cut
// when it is next read; damage anywhere else is a [*CorruptError], and the run
// stays as it is. Blobs are files named by their SHA-256.
//
// Only what cannot be derived is stored. The queue, the timers, and the locks and
// watches of a channel belong to the process and end with it: an engine derives
// what was ready and what was due from the journal. Of a channel's keys the times
// at which they expire are stored, by the system's clock.
//
// How long a journal is costs next to nothing while it is open: it is read in
// parts, from whichever event on, and in memory are the newest events, where each
// 64 KiB of records begins, the names of the chains that are open, and some 9 to
// 12 bytes for each that has ended.
//
// Layout, below the directory:
//
//	format                  what it is, and of which version
//	lock                    held while a process has it open
//	tmp/                    what is being written or removed
//	runs/RUN/N.journal      events from sequence N on
//	runs/RUN/base           where a trimmed journal begins, and its open chains
//	runs/RUN/channel        the live channel: a snapshot, then what followed
//	blobs/RUN/HEX           a blob
//
// A [Dir] starts no goroutine, but one with [SyncInterval], which Close ends, and
// those of the timers of keys that expire. The package knows events only as values
// with an encoding; it never folds them.
package statedir
