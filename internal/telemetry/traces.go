package telemetry

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Traces say where spans go, and how many. What is not set here is as the OTEL_*
// environment variables of OpenTelemetry say: the exporter's endpoint, headers,
// certificates and time, the sampler, and the limits of spans and batches.
type Traces struct {
	// Endpoint is where OTLP over HTTP is taken, as http://127.0.0.1:4318; without a
	// path it is /v1/traces. "" is what OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or
	// OTEL_EXPORTER_OTLP_ENDPOINT says.
	Endpoint string
	// Service is the name that spans are of, unless OTEL_SERVICE_NAME or
	// OTEL_RESOURCE_ATTRIBUTES has one; "" is graflow-wasm. Node is the process's.
	Service, Node string
	// RunSpans bounds the attempts of one run that one process sends spans of; 0 is
	// 1000. Those of more have none, nor have their calls of the host.
	RunSpans int
}

// Wanted tells whether the environment asks for traces.
func Wanted() bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

const (
	defaultRunSpans = 1000
	// hostSpans bounds the calls of the host that one attempt has spans of.
	hostSpans = 128
	// maxText bounds what is taken of a message.
	maxText = 512
)

// tracer makes spans of what an engine and a sandbox host tell.
type tracer struct {
	provider *sdktrace.TracerProvider
	spans    trace.Tracer
	sampler  sdktrace.Sampler
	sent     *sending
	runs     runBounds

	logAttempts bool
}

func newTracer(ctx context.Context, c Traces, of Config) (*tracer, error) {
	var options []otlptracehttp.Option
	if c.Endpoint != "" {
		endpoint, err := endpointOf(c.Endpoint)
		if err != nil {
			return nil, err
		}
		options = append(options, otlptracehttp.WithEndpointURL(endpoint))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("send traces: %w", err)
	}
	sampler, err := samplerOf(os.Getenv("OTEL_TRACES_SAMPLER"), os.Getenv("OTEL_TRACES_SAMPLER_ARG"))
	if err != nil {
		return nil, err
	}
	about, err := resourceOf(ctx, c, of)
	if err != nil {
		return nil, fmt.Errorf("send traces: %w", err)
	}
	t := &tracer{sampler: sampler, logAttempts: of.LogAttempts, sent: newSending(exporter, of.Logger)}
	t.runs.most = c.RunSpans
	if t.runs.most <= 0 {
		t.runs.most = defaultRunSpans
	}
	t.provider = sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(t.sent), sdktrace.WithResource(about), sdktrace.WithIDGenerator(ids{}), sdktrace.WithSampler(sampler),
	)
	t.spans = t.provider.Tracer("github.com/graflow/graflow-wasm", trace.WithInstrumentationVersion(of.Version))
	return t, nil
}

func (t *tracer) close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// endpointOf adds the usual path to a URL without one.
func endpointOf(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("send traces to %q: want a URL as http://127.0.0.1:4318", text)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	return u.String(), nil
}

// resourceOf describes the process; what the environment says wins.
func resourceOf(ctx context.Context, c Traces, of Config) (*resource.Resource, error) {
	service := c.Service
	if service == "" {
		service = "graflow-wasm"
	}
	about := []attribute.KeyValue{attribute.String("service.name", service)}
	for name, value := range map[string]string{"service.version": of.Version, "service.instance.id": c.Node} {
		if value != "" {
			about = append(about, attribute.String(name, value))
		}
	}
	return resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(about...), resource.WithFromEnv())
}

// samplerOf is the sampler that OpenTelemetry's environment variables name. The SDK
// would read them as well, but not tell what it would decide.
func samplerOf(name, arg string) (sdktrace.Sampler, error) {
	ratio := 1.0
	if arg != "" && strings.HasSuffix(name, "traceidratio") {
		var err error
		if ratio, err = strconv.ParseFloat(arg, 64); err != nil || ratio < 0 || ratio > 1 {
			return nil, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG is %q: want a ratio from 0 to 1", arg)
		}
	}
	switch name {
	case "always_on":
		return sdktrace.AlwaysSample(), nil
	case "always_off":
		return sdktrace.NeverSample(), nil
	case "traceidratio":
		return sdktrace.TraceIDRatioBased(ratio), nil
	case "", "parentbased_always_on":
		return sdktrace.ParentBased(sdktrace.AlwaysSample()), nil
	case "parentbased_always_off":
		return sdktrace.ParentBased(sdktrace.NeverSample()), nil
	case "parentbased_traceidratio":
		return sdktrace.ParentBased(sdktrace.TraceIDRatioBased(ratio)), nil
	}
	return nil, fmt.Errorf("OTEL_TRACES_SAMPLER is %q: want always_on, always_off, traceidratio, or one of them after parentbased_", name)
}

// ids draws ids at random, unless the context names one.
type ids struct{}

type (
	spanIDKey  struct{}
	traceIDKey struct{}
)

// NewIDs implements sdktrace.IDGenerator.
func (ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	id, ok := ctx.Value(traceIDKey{}).(trace.TraceID)
	if !ok {
		id = trace.TraceID(random16())
	}
	return id, ids{}.NewSpanID(ctx, id)
}

// NewSpanID implements sdktrace.IDGenerator.
func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	if id, ok := ctx.Value(spanIDKey{}).(trace.SpanID); ok {
		return id
	}
	return trace.SpanID(random8())
}

// runTrace is the trace of a run that was begun without one, and runSpan the id of a
// run's span: all processes come to the same.
func runTrace(run string) (id trace.TraceID) {
	sum := sha256.Sum256([]byte("graflow trace of run " + run))
	copy(id[:], sum[:])
	return id
}

func runSpan(run string) (id trace.SpanID) {
	sum := sha256.Sum256([]byte("graflow span of run " + run))
	copy(id[:], sum[:])
	return id
}

// runBounds bound how many attempts of a run have spans.
type runBounds struct {
	most int

	mu    sync.Mutex     // guards what follows
	spans map[string]int // by run
	over  map[string]int // attempts without spans
}

// mostRuns is how many runs are counted; then counting begins anew.
const mostRuns = 4096

// take tells whether one more attempt of a run may have spans.
func (b *runBounds) take(run string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spans == nil || len(b.spans) >= mostRuns {
		b.spans, b.over = map[string]int{}, map[string]int{}
	}
	if b.spans[run] >= b.most {
		b.over[run]++
		return false
	}
	b.spans[run]++
	return true
}

// forget ends the counting of a run; it tells how many attempts had no spans.
func (b *runBounds) forget(run string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	over := b.over[run]
	delete(b.spans, run)
	delete(b.over, run)
	return over
}

// sending passes spans on, and counts them.
type sending struct {
	exporter sdktrace.SpanExporter
	logger   *slog.Logger
	counts   sendCounts

	mu   sync.Mutex // guards said
	said time.Time  // when a failure was logged last
}
