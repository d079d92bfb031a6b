package wasip1

import (
	"context"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
)

func (s *State) argsGet(_ context.Context, g guest) guestfs.Errno {
	return putStrings(g, s.config.Args)
}

func (s *State) argsSizesGet(_ context.Context, g guest) guestfs.Errno {
	return putSizes(g, s.config.Args)
}

func (s *State) environGet(_ context.Context, g guest) guestfs.Errno {
	return putStrings(g, s.config.Env)
}

func (s *State) environSizesGet(_ context.Context, g guest) guestfs.Errno {
	return putSizes(g, s.config.Env)
}

// stringBytes is the room that strings take, each ended by a zero byte.
func stringBytes(all []string) uint64 {
	n := uint64(len(all))
	for _, one := range all {
		n += uint64(len(one))
	}
	return n
}

func putSizes(g guest, all []string) guestfs.Errno {
	count, size, errno := g.two(0)
	if errno != guestfs.OK {
		return errno
	}
	le.PutUint32(count, uint32(len(all)))
	le.PutUint32(size, uint32(stringBytes(all)))
	return guestfs.OK
}

// putStrings writes pointers at argument 0 to strings at argument 1.
func putStrings(g guest, all []string) guestfs.Errno {
	pointers, errno := g.record(0, 4*uint64(len(all)))
	if errno != guestfs.OK {
		return errno
	}
	bytes, errno := g.record(1, stringBytes(all))
	if errno != guestfs.OK {
		return errno
	}
	at := g.u32(1)
	for i, one := range all {
		le.PutUint32(pointers[4*i:], at)
		n := copy(bytes, one)
		bytes[n] = 0
		bytes = bytes[n+1:]
		at += uint32(n) + 1
	}
	return guestfs.OK
}
