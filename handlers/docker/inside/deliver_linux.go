package inside

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// A failure is what ends the attempt though its command exited with 0.
type failure struct {
	kind string
	err  error
}

func (e *failure) Error() string { return e.err.Error() }
func (e *failure) Unwrap() error { return e.err }

func failuref(kind, format string, args ...any) *failure {
	return &failure{kind, fmt.Errorf(format, args...)}
}

// deliver sends the result file and the files that the task leaves. What goes
// wrong is told to the host as well, as far as it listens.
func (j job) deliver(ctx context.Context) error {
	result, patterns := j.env.value(EnvResultFile), j.env.value(EnvFilesOut)
	if result == "" && patterns == "" {
		return nil
	}
	err := j.send(ctx, result, patterns)
	var failed *failure
	if !errors.As(err, &failed) {
		return err
	}
	// On a connection of its own: the other may have ended within a file.
	host, dialed := dial(j.env.value(abi.EnvSocket))
	if dialed != nil {
		return errors.Join(err, dialed)
	}
	defer func() { _ = host.Close() }()
	_, told := host.ask(ctx, abi.Request{Op: abi.FuncFail, Kind: failed.kind, Message: failed.Error(), Permanent: true})
	return errors.Join(err, told)
}

func (j job) send(ctx context.Context, result, patterns string) error {
	host, err := dial(j.env.value(abi.EnvSocket))
	if err != nil {
		return err
	}
	defer func() { _ = host.Close() }()
	if patterns != "" {
		var globs []string
		if err := json.Unmarshal([]byte(patterns), &globs); err != nil {
			return fmt.Errorf("%s: %w", EnvFilesOut, err)
		}
		if err := leaveFiles(ctx, host, j.env.value(abi.EnvOut), globs); err != nil {
			return err
		}
	}
	if result == "" {
		return nil
	}
	value, err := readResult(result, outputBytes(j.env))
	if err != nil {
		return err
	}
	if _, err = host.ask(ctx, abi.Request{Op: abi.OpOutput, Value: value}); errors.Is(err, abi.TooLarge) {
		return &failure{KindOutputTooLarge, fmt.Errorf("result file %s: %w", result, err)}
	}
	return err
}

// defaultOutputBytes is that of wasmhost.
const defaultOutputBytes = 16 << 20

func outputBytes(env environment) int64 {
	if n, err := strconv.ParseInt(env.value(EnvOutputBytes), 10, 64); err == nil && n > 0 {
		return n
	}
	return defaultOutputBytes
}
