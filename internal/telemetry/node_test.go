package telemetry_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/cluster/clustertest"
	"github.com/graflow/graflow-wasm/internal/guesttest"
	"github.com/graflow/graflow-wasm/internal/telemetry"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// newServer is a NATS server.
func newServer(t *testing.T) *embedded.Server {
	t.Helper()
	server, err := embedded.Start(context.WithoutCancel(t.Context()), embedded.Config{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	bus := openBus(t, server, nil)
	if err := bus.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	return server
}

func openBus(t *testing.T, server *embedded.Server, tel *telemetry.Telemetry) *natsbus.Bus {
	t.Helper()
	bus, err := natsbus.Open(t.Context(), natsbus.Config{Connect: server.Connect, Published: tel.Published})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	return bus
}

// newHost is a sandbox host.
func newHost(t *testing.T, tel *telemetry.Telemetry) *wasmhost.Host {
	t.Helper()
	h, err := wasmhost.New(context.WithoutCancel(t.Context()), wasmhost.Config{CacheDir: clustertest.CacheDir(), Probe: tel.Host(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Errorf("close the host: %v", err)
		}
	})
	return h
}

// newWasm is a handler of modules in files, on a host.
func newWasm(t *testing.T, h *wasmhost.Host) *wasm.Handler {
	t.Helper()
	w, err := wasm.New(wasm.Config{Host: h, CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// join begins an engine's part on a server, until the test has ended.
func join(t *testing.T, server *embedded.Server, part engine.Part, tel *telemetry.Telemetry, handlers map[string]engine.Handler) *engine.Engine {
	t.Helper()
	e, err := engine.New(engine.Config{
		Handlers: handlers, Backend: openBus(t, server, tel).Backend(), Part: part, Retain: true, Probe: tel.Engine(),
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Join(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close an engine: %v", err)
		}
	})
	return e
}

// guestTask is a task of the guest in testdata.
func guestTask(t *testing.T, export, grants string) engine.Task {
	t.Helper()
	path := guesttest.Build(t, "testdata/guest")
	spec, err := json.Marshal(map[string]string{"module": path, "export": export})
	if err != nil {
		t.Fatal(err)
	}
	return engine.Task{ID: export, Handler: "wasm", Spec: spec, Grants: json.RawMessage(grants)}
}

// start begins a run that is followed until its end.
func start(t *testing.T, e *engine.Engine, s *engine.Spec, begin engine.Start) engine.Outcome {
	t.Helper()
	g, err := s.Build()
	if err != nil {
		t.Fatal(err)
	}
	o, err := e.Start(t.Context(), g, begin)
	if err != nil {
		t.Fatal(err)
	}
	out, err := o.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return out
}
