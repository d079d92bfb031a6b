package docker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strconv"
	"time"

	"github.com/docker/docker/api/types/image"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// attempt is one on its way.
type attempt struct {
	handler  *Handler
	call     *engine.Call
	settings *settings
	secrets  *guest.Secrets
	effects  *engine.Buffer

	log    *taskLog
	stdout *resultWriter // nil: what is printed is logged
	outLog lineWriter
	errLog lineWriter
	ledger ledger
}

// errTimeLimit is the cause of a context that limits.timeout ended.
var errTimeLimit = errors.New("limits.timeout is over")

// ended is how a command ended.
type ended struct {
	exit        int64
	outOfMemory bool
	killed      bool // by the kernel, which does so to who is out of memory
}

// run makes the container, waits for its end, and judges it. Of an attempt that
// failed, the result has the cancel that was asked for, and what was used.
func (a *attempt) run(ctx context.Context) (engine.Result, error) {
	began := time.Now()
	img, err := a.image(ctx)
	if err != nil {
		return engine.Result{}, err
	}
	a.ledger.Image = img.ID
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if d := a.settings.limits.Timeout; d > 0 {
		timer := time.AfterFunc(d, func() { cancel(fmt.Errorf("%w: %s", errTimeLimit, d)) })
		defer timer.Stop()
	}
	a.openStreams(cancel)
	end, outcome, err := a.execute(ctx, img, cancel)
	a.outLog.flush()
	a.errLog.flush()
	a.ledger.WallMS, a.ledger.Exit = time.Since(began).Milliseconds(), end.exit
	a.ledger.Logged, a.ledger.HostCalls = a.log.logged(), outcome.Calls
	result, err := a.judge(ctx, end, outcome, err)
	if name := a.settings.image.String(); a.call.Pins[name] == "" {
		if digest := pinOf(a.settings.image, img); digest != img.ID { // an id is one machine's alone
			result.Pins = map[string]string{name: digest}
		}
	}
	a.ledger.Output = len(result.Value)
	result.Ledger = a.ledger.json()
	return result, err
}

// openStreams decides where what the command prints goes.
func (a *attempt) openStreams(stop context.CancelCauseFunc) {
	limits := a.settings.limits
	a.log = newTaskLog(limits.LogBytes, a.secrets.Sink(a.call.Sink).Log)
	a.outLog, a.errLog = lineWriter{log: a.log}, lineWriter{log: a.log}
	if a.settings.result == resultStdout && a.settings.module == "" {
		a.stdout = &resultWriter{most: limits.OutputBytes, stop: stop}
	}
}

// execute runs the command in a container of its own, or in one of a pool.
func (a *attempt) execute(ctx context.Context, img image.InspectResponse, stop context.CancelCauseFunc) (ended, lines.Outcome, error) {
	if a.settings.reuse == reusePool {
		return a.handler.pools.run(ctx, a, img, stop)
	}
	dir, err := a.handler.scratch.attempt()
	if err != nil {
		return ended{}, lines.Outcome{}, err
	}
	at, err := a.lay(ctx, dir)
	var end ended
	var outcome lines.Outcome
	if err == nil {
		end, outcome, err = a.answered(dir, stop, func() (ended, error) { return a.alone(ctx, img, at) }) //nolint:contextcheck // the socket is closed after the command has ended
	}
	return end, outcome, errors.Join(err, os.RemoveAll(dir))
}

// answered runs a command whose requests are answered over a socket in dir.
func (a *attempt) answered(dir string, stop context.CancelCauseFunc, command func() (ended, error)) (ended, lines.Outcome, error) {
	limits := a.settings.limits
	server, err := lines.Listen(lines.Config{
		Dir: dir, Input: a.call.Input, Services: a.services(), Files: artifacts{a}, Stop: stop,
		Grants: wasmhost.Grants{
			Secrets: a.settings.secrets, Tools: a.settings.tools,
			Channel: &a.settings.channel, Control: &a.settings.control,
		},
		Limits: lines.Limits{
			HostCalls: limits.HostCalls, ChannelOps: limits.ChannelOps,
			OutputBytes: limits.OutputBytes, DiskBytes: limits.DiskBytes,
		},
	})
	if err != nil {
		return ended{}, lines.Outcome{}, err
	}
	end, err := command()
	outcome := server.Close()
	return end, outcome, err
}

// services answer what the command asks for.
func (a *attempt) services() wasmhost.Services {
	s := guest.Services(&guest.Control{
		Call: a.call, Effects: a.effects, Spawn: a.settings.spawn, Secrets: a.secrets, Complete: a.complete,
	})
	if a.handler.config.Tools != nil {
		s.Tools = a.handler.config.Tools
	}
	if a.handler.config.Secrets != nil {
		s.Secrets = a.secrets
	}
	s.Log = func(level slog.Level, line string) { a.log.add(level, line) }
	return s
}

// artifacts keep the files that a command puts.
type artifacts struct{ *attempt }

// environment is what the engine tells a command by its environment.
func (a *attempt) environment() map[string]string {
	c := a.call
	env := map[string]string{
		abi.EnvSocket: ownDir + "/" + lines.SocketName, abi.EnvInput: ownDir + "/" + inputFile,
		abi.EnvResult: ownDir + "/" + lines.ResultName, abi.EnvEffects: ownDir + "/" + lines.EffectsName,
		abi.EnvRun: c.Run, abi.EnvTask: c.Task.ID, abi.EnvActivation: c.Activation, abi.EnvAttempt: strconv.Itoa(c.Attempt),
	}
	if len(a.secrets.Names()) > 0 {
		env[abi.EnvSecrets] = ownDir + "/" + secretsDir
	}
	if _, own := a.settings.environment[envTraceparent]; !own && isTraceparent(c.Trace) {
		env[envTraceparent] = c.Trace
	}
	maps.Copy(env, a.insideEnvironment())
	return env
}
