package linmem

import "errors"

var (
	// ErrBudget is returned where the host's budget has no room.
	ErrBudget = errors.New("no room in the host's memory budget")
	// ErrFreed is returned by a memory after Free, and by a snapshot that all
	// have closed.
	ErrFreed = errors.New("memory or snapshot was freed")
	// ErrNoSnapshot is returned by Reset before any Map.
	ErrNoSnapshot = errors.New("memory has no snapshot to go back to: call Map first")
	// ErrTooLarge is returned by Map for a snapshot, and by Apply for a delta,
	// that the memory can't hold, and by Delta for one that is larger than asked for.
	ErrTooLarge = errors.New("content is larger than it may be")
	// ErrDelta is returned by ParseDelta for bytes that are no delta, and by Apply
	// for one of a smaller memory.
	ErrDelta = errors.New("not a delta of this memory")
	// ErrShrink is returned by Shrink where an instance can't be told about
	// its memory's new size: the instance has to be thrown away.
	ErrShrink = errors.New("instance can't be told about the smaller memory")
)
