package extism

import (
	"context"
	"log/slog"
	"math"
	"strings"
)

// logLevel answers with the lowest level that is of use: 0 trace, 1 debug,
// 2 info, 3 warn, 4 error, or the largest i32 when nothing is.
func logLevel(_ context.Context, s *State, args []uint64) {
	if s.config.Log == nil {
		args[0] = math.MaxInt32
		return
	}
	levels := []slog.Level{LevelTrace, slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}
	for i, level := range levels {
		if level >= s.config.LogLevel {
			args[0] = uint64(i)
			return
		}
	}
	args[0] = math.MaxInt32
}

// logAt takes the line's block over.
func logAt(level slog.Level) func(context.Context, *State, []uint64) {
	return func(_ context.Context, s *State, args []uint64) {
		if s.config.Log != nil && level >= s.config.LogLevel {
			line := strings.ToValidUTF8(string(s.memory.block(args[0])), "�")
			s.config.Log(level, strings.TrimRight(line, "\r\n"))
		}
		s.memory.release(args[0])
	}
}
