package extism

import (
	"context"
	"encoding/binary"
	"log/slog"

	"github.com/tetratelabs/wazero/api"
)

// Module is the import module of the functions.
const Module = "extism:host/env"

// Function is one import. Run takes the arguments in args, as the runtime has
// them, and writes the result, if there is one, to args[0]; args is as long as
// the longer of Params and Results. It panics with a *[Trap].
type Function struct {
	Name    string
	Params  []api.ValueType
	Results []api.ValueType
	Run     func(ctx context.Context, s *State, args []uint64)
}

// Functions lists all functions of [Module].
func Functions() []Function {
	const i32, i64 = api.ValueTypeI32, api.ValueTypeI64
	type types = []api.ValueType
	return []Function{
		{"alloc", types{i64}, types{i64}, alloc},
		{"free", types{i64}, nil, free},
		{"length", types{i64}, types{i64}, length},
		{"length_unsafe", types{i64}, types{i64}, length},
		{"memory_bytes", nil, types{i64}, memoryBytes},
		{"reset", nil, nil, reset},
		{"load_u8", types{i64}, types{i32}, loadU8},
		{"load_u64", types{i64}, types{i64}, loadU64},
		{"store_u8", types{i64, i32}, nil, storeU8},
		{"store_u64", types{i64, i64}, nil, storeU64},

		{"input_set", types{i64, i64}, nil, inputSet},
		{"input_length", nil, types{i64}, inputLength},
		{"input_offset", nil, types{i64}, inputOffset},
		{"input_load_u8", types{i64}, types{i32}, inputLoadU8},
		{"input_load_u64", types{i64}, types{i64}, inputLoadU64},
		{"output_set", types{i64, i64}, nil, outputSet},
		{"output_length", nil, types{i64}, outputLength},
		{"output_offset", nil, types{i64}, outputOffset},
		{"error_set", types{i64}, nil, errorSet},
		{"error_get", nil, types{i64}, errorGet},

		{"config_get", types{i64}, types{i64}, configGet},
		{"var_get", types{i64}, types{i64}, varGet},
		{"var_set", types{i64, i64}, nil, varSet},
		{"http_request", types{i64, i64}, types{i64}, httpRequest},
		{"http_status_code", nil, types{i32}, httpStatusCode},
		{"http_headers", nil, types{i64}, httpHeaders},
		{"get_log_level", nil, types{i32}, logLevel},
		{"log_trace", types{i64}, nil, logAt(LevelTrace)},
		{"log_debug", types{i64}, nil, logAt(slog.LevelDebug)},
		{"log_info", types{i64}, nil, logAt(slog.LevelInfo)},
		{"log_warn", types{i64}, nil, logAt(slog.LevelWarn)},
		{"log_error", types{i64}, nil, logAt(slog.LevelError)},
	}
}

func alloc(_ context.Context, s *State, args []uint64) { args[0] = s.memory.alloc(args[0]) }

// free of the input ends it, as nothing keeps its block from other uses.
func free(_ context.Context, s *State, args []uint64) {
	if s.memory.length(args[0]) != 0 && args[0] == s.input.offset {
		s.input.length = 0
	}
	s.memory.release(args[0])
}

func length(_ context.Context, s *State, args []uint64) { args[0] = s.memory.length(args[0]) }

func memoryBytes(_ context.Context, s *State, args []uint64) { args[0] = uint64(len(s.memory.bytes)) }

func reset(_ context.Context, s *State, _ []uint64) { s.reset() }

func loadU8(_ context.Context, s *State, args []uint64) {
	args[0] = uint64(s.memory.view(args[0], 1)[0])
}

func loadU64(_ context.Context, s *State, args []uint64) { args[0] = s.memory.loadU64(args[0]) }

func storeU8(_ context.Context, s *State, args []uint64) {
	s.memory.view(args[0], 1)[0] = byte(args[1])
}

func storeU64(_ context.Context, s *State, args []uint64) {
	binary.LittleEndian.PutUint64(s.memory.view(args[0], 8), args[1])
}

func inputSet(_ context.Context, s *State, args []uint64) { s.input = s.span(args) }

func inputLength(_ context.Context, s *State, args []uint64) { args[0] = s.input.length }

func inputOffset(_ context.Context, s *State, args []uint64) { args[0] = s.input.offset }

func inputLoadU8(_ context.Context, s *State, args []uint64) {
	if args[0] >= s.input.length {
		trap(nil, "the input has %d bytes, byte %d is behind it", s.input.length, args[0])
	}
	args[0] = uint64(s.memory.view(s.input.offset+args[0], 1)[0])
}

// inputLoadU64 may read past the input's end as long as it starts within.
func inputLoadU64(_ context.Context, s *State, args []uint64) {
	if args[0] >= s.input.length {
		trap(nil, "the input has %d bytes, byte %d is behind it", s.input.length, args[0])
	}
	args[0] = s.memory.loadU64(s.input.offset + args[0])
}

func outputSet(_ context.Context, s *State, args []uint64) {
	if args[1] > uint64(s.config.MaxOutput) {
		over("output", s.config.MaxOutput)
	}
	s.output = s.span(args)
}

func outputLength(_ context.Context, s *State, args []uint64) { args[0] = s.output.length }

func outputOffset(_ context.Context, s *State, args []uint64) { args[0] = s.output.offset }

// errorSet of 0 takes the error back.
func errorSet(_ context.Context, s *State, args []uint64) { s.err = args[0] }

func errorGet(_ context.Context, s *State, args []uint64) { args[0] = s.err }

// span reads an offset and a length; nothing is anywhere.
func (s *State) span(args []uint64) span {
	if args[1] == 0 {
		return span{}
	}
	s.memory.view(args[0], args[1])
	return span{offset: args[0], length: args[1]}
}
