package extism

import (
	"bytes"
	"context"
)

// varOverhead is what a variable takes beside its name and value.
const varOverhead = 64

func varSize(name string, value []byte) int64 {
	return int64(len(name)+len(value)) + varOverhead
}

// configGet answers 0 for a key that is not there, or empty.
func configGet(_ context.Context, s *State, args []uint64) {
	value := s.config.Config[string(s.memory.block(args[0]))]
	args[0] = s.memory.write([]byte(value))
}

// varGet takes the name's block over, and answers with a new one or 0. It is
// freed last: plug-ins that free it too must not hit the answer's block.
func varGet(_ context.Context, s *State, args []uint64) {
	name := args[0]
	args[0] = s.memory.write(s.vars[string(s.memory.block(name))])
	s.memory.release(name)
}

// varSet takes the blocks of name and value over; a value of 0 deletes.
func varSet(_ context.Context, s *State, args []uint64) {
	if s.config.VarBytes < 0 {
		trap(nil, "variables are not granted")
	}
	name := string(s.memory.block(args[0]))
	value := bytes.Clone(s.memory.block(args[1]))
	size := s.varBytes
	if old, found := s.vars[name]; found {
		size -= varSize(name, old)
	}
	if args[1] == 0 {
		delete(s.vars, name)
	} else {
		if size += varSize(name, value); size > s.config.VarBytes {
			over("variables", s.config.VarBytes)
		}
		s.vars[name] = value
	}
	s.varBytes = size
	s.memory.release(args[0])
	s.memory.release(args[1])
}
