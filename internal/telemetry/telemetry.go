package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Config says what is measured and followed. The zero value measures, and follows
// nothing.
type Config struct {
	// Version and Revision are those of the program.
	Version, Revision string
	// Handlers are told from the beginning on, with nothing counted yet.
	Handlers []string
	// Traces are sent if it is set.
	Traces *Traces
	// LogAttempts lets LogHandler find the run and the task of attempts also while no
	// trace follows them.
	LogAttempts bool
	// Logger is for what no caller can be told; nil is slog.Default().
	Logger *slog.Logger
}

// Telemetry measures and follows what a process does. It is safe for concurrent use.
// A nil one does nothing.
type Telemetry struct {
	config   Config
	registry *prometheus.Registry
	attempts *attempts
	sandbox  *sandbox
	journal  *journal
	runs     *runs
	tracer   *tracer // nil: nothing is followed
}

// New makes a Telemetry. The error is one of the traces' configuration: nothing is
// sent yet. Close it, which sends what is left.
func New(ctx context.Context, c Config) (*Telemetry, error) {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	t := &Telemetry{
		config: c, registry: prometheus.NewPedanticRegistry(),
		attempts: newAttempts(), sandbox: newSandbox(), journal: &journal{append: newLatency(hostBounds)},
		runs: &runs{took: newLatency(taskBounds)},
	}
	for _, name := range c.Handlers {
		t.attempts.add(name)
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: namespace + "build_info", Help: "1; its labels tell what the program is.",
		ConstLabels: prometheus.Labels{"version": c.Version, "revision": c.Revision, "go_version": runtime.Version()},
	})
	build.Set(1)
	t.registry.MustRegister(
		build, t.attempts, t.sandbox, t.journal, t.runs,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	if c.Traces == nil {
		return t, nil
	}
	var err error
	if t.tracer, err = newTracer(ctx, *c.Traces, c); err != nil {
		return nil, err
	}
	t.registry.MustRegister(t.tracer.sent)
	return t, nil
}

// Watch names what is asked when somebody scrapes: an engine, a sandbox host, and of
// a cluster its queues and workers. Each may be nil. It is called once.
func (t *Telemetry) Watch(e *engine.Engine, h *wasmhost.Host, cluster ops.Service) {
	if t == nil {
		return
	}
	if e != nil {
		t.registry.MustRegister(engineMetrics{e})
	}
	if h != nil {
		t.registry.MustRegister(hostMetrics{h})
	}
	if cluster.Queues != nil || cluster.Workers != nil {
		t.registry.MustRegister(&clusterMetrics{queues: cluster.Queues, workers: cluster.Workers})
	}
}

// Engine is the probe for engine.Config.
func (t *Telemetry) Engine() engine.Probe {
	if t == nil {
		return engine.Probe{}
	}
	p := engine.Probe{Ended: t.attempts.ended, Submit: t.runs.submit, Finished: t.runs.finished}
	switch {
	case t.tracer != nil:
		p.Begin = t.tracer.begin
		p.Submit = func(ctx context.Context, run, flow, trace string) (string, func(error)) {
			stored, ended := t.tracer.submit(ctx, run, flow, trace)
			return stored, func(err error) { t.runs.submitted(err); ended(err) }
		}
		p.Finished = func(f engine.Finished) { t.runs.finished(f); t.tracer.finished(f) }
	case t.config.LogAttempts:
		p.Begin = beginLogged
	}
	return p
}

// Host is the probe for wasmhost.Config.
func (t *Telemetry) Host() wasmhost.Probe {
	if t == nil {
		return wasmhost.Probe{}
	}
	p := t.sandbox.probe()
	if t.tracer != nil {
		p.Follows, p.HostCall, p.Slow, p.Header = follows, t.tracer.hostCall, t.tracer.slow, traceHeader
	}
	return p
}

// Published takes how long it took to append to the journal of a cluster, and how that
// went; conflicts are no error.
func (t *Telemetry) Published(took time.Duration, err error) {
	if t != nil {
		t.journal.published(took, err)
	}
}

// Handler serves the metrics, in the formats of Prometheus. Of a nil Telemetry it
// finds nothing.
func (t *Telemetry) Handler() http.Handler {
	if t == nil {
		return http.NotFoundHandler()
	}
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{
		ErrorLog: errorLog{t.config.Logger}, ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: 4, Registry: nil,
	})
}

// Close sends the spans that are left, until ctx is done.
func (t *Telemetry) Close(ctx context.Context) error {
	if t == nil || t.tracer == nil {
		return nil
	}
	return t.tracer.close(ctx)
}

// errorLog logs what goes wrong in a scrape.
type errorLog struct{ logger *slog.Logger }

// Println implements promhttp.Logger.
func (l errorLog) Println(v ...any) { l.logger.Error("scrape metrics", "err", v) }
