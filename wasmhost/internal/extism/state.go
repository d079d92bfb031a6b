package extism

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"strings"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// LevelTrace is the level of log_trace, which log/slog has no name for.
const LevelTrace = slog.LevelDebug - 4

// maxErr bounds what Err answers, in bytes.
const maxErr = 64 << 10

// Config is one attempt of a plug-in; the zero value has an empty input and no
// powers.
type Config struct {
	Input  []byte
	Config map[string]string // what config_get reads
	Vars   map[string][]byte // what var_get reads at first; it is copied

	KernelBytes int64 // kernel memory beyond the input; 0: 64 MiB, at most 4 GiB
	VarBytes    int64 // names and values of Vars; 0: 1 MiB, negative: no variables
	MaxOutput   int64 // of output_set; 0: KernelBytes

	// HTTP sends a request; nil denies all.
	HTTP func(ctx context.Context, request abi.HTTPRequest) (abi.HTTPResponse, error)

	// Log takes what the plug-in logs, valid UTF-8 without a line break at the
	// end, from LogLevel on; nil drops it.
	Log      func(level slog.Level, line string)
	LogLevel slog.Level
}

// State is the kernel of one attempt. It is used by one goroutine at a time.
type State struct {
	config   Config
	memory   *memory
	vars     map[string][]byte
	varBytes int64
	input    span
	output   span
	err      uint64 // offset of the error's block
	response response
}

// span is a part of the kernel's memory.
type span struct{ offset, length uint64 }

// New makes the State of an attempt.
func New(config Config) *State {
	if config.KernelBytes <= 0 {
		config.KernelBytes = 64 << 20
	}
	config.KernelBytes = min(config.KernelBytes, 4<<30)
	if config.VarBytes == 0 {
		config.VarBytes = 1 << 20
	}
	if config.MaxOutput <= 0 {
		config.MaxOutput = config.KernelBytes
	}
	s := &State{config: config, vars: make(map[string][]byte, len(config.Vars))}
	for name, value := range config.Vars {
		s.vars[name] = bytes.Clone(value)
		s.varBytes += varSize(name, value)
	}
	input := uint64(len(config.Input))
	s.memory = newMemory(config.KernelBytes + int64(classBytes(sizeClass(input))) + blockOverhead + firstBlock)
	s.input = span{offset: s.memory.write(config.Input), length: input}
	s.config.Input = nil // the kernel has it
	return s
}

// Output is a copy of what the plug-in set as its output, as it is in memory
// by now.
func (s *State) Output() []byte {
	if s.output.length == 0 {
		return nil
	}
	return bytes.Clone(s.memory.view(s.output.offset, s.output.length))
}

// Err is the message that the plug-in set as its error, or "". With a message
// the call has failed, whatever the plug-in's function returned.
func (s *State) Err() string {
	message := s.memory.block(s.err)
	if len(message) > maxErr {
		message = message[:maxErr]
	}
	return strings.ToValidUTF8(string(message), "�")
}

// Vars is a copy of the variables as they are now.
func (s *State) Vars() map[string][]byte {
	vars := maps.Clone(s.vars)
	for name, value := range vars {
		vars[name] = bytes.Clone(value)
	}
	return vars
}

// reset forgets all blocks, the input, the output and the error.
func (s *State) reset() {
	s.memory.reset()
	s.input, s.output, s.err = span{}, span{}, 0
}
