package main

import (
	"context"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/telemetry"
	"github.com/spf13/pflag"
)

// telemetryFlags say what a process tells of itself.
type telemetryFlags struct {
	metrics bool
	otlp    string
	tel     *telemetry.Telemetry // what open made
}

func (o *telemetryFlags) addTo(f *pflag.FlagSet) {
	f.BoolVar(&o.metrics, "metrics", false, "answer GET /metrics on --health too, to anybody who can connect there")
	f.StringVar(&o.otlp, "otlp", "", "send traces of runs to this `URL`, by OTLP over HTTP, as http://127.0.0.1:4318 (default: as OTEL_EXPORTER_OTLP_ENDPOINT says)")
}

// open begins to measure, and to follow runs if somebody wants it.
func (o *telemetryFlags) open(node, health string) (err error) {
	if o.metrics && health == "" {
		return usagef("--metrics: there is no --health to answer on; a server answers on --listen anyway, to who has a token")
	}
	c := telemetry.Config{Version: thisBuild().Version, Revision: revision(), Handlers: []string{"wasm", "docker", "script", "builtin"}, LogAttempts: true}
	if o.otlp != "" || telemetry.Wanted() {
		c.Traces = &telemetry.Traces{Endpoint: o.otlp, Node: node}
	}
	if o.tel, err = telemetry.New(context.Background(), c); err != nil { // it connects later
		return usagef("--otlp: %w", err)
	}
	return nil
}

// openMetrics are those for everybody; nil: there are none.
func (o *telemetryFlags) openMetrics() http.Handler {
	if !o.metrics {
		return nil
	}
	return o.tel.Handler()
}

// revision is the commit that the program was built from; "" is not known.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}

// measure has the node's metrics told.
func (n *node) measure() {
	var cluster ops.Service
	if n.cluster != nil {
		cluster = n.cluster.Service()
	}
	n.flags.telemetry.tel.Watch(n.wiring.engine, n.wiring.host, cluster)
}

// spansFor is how long the end of a process waits for spans to be sent.
const spansFor = 5 * time.Second

// close sends what is left to be sent.
func (o *telemetryFlags) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), spansFor)
	defer cancel()
	return o.tel.Close(ctx)
}

// probe is told of the runs that are begun by the API.
func (o *telemetryFlags) probe() engine.Probe { return o.tel.Engine() }

// addMetrics answers GET /metrics to who has a token, of any role.
func (f *front) addMetrics(mux *http.ServeMux, tel *telemetry.Telemetry) {
	mux.Handle("GET /metrics", withToken(f.tokens, tel.Handler()))
}

func withToken(tokens *api.Tokens, inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		role, _, ok := tokens.Authenticate(token)
		if !strings.EqualFold(scheme, "Bearer") || !ok || !role.May(ops.RoleViewer) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "metrics are for who has a token: Authorization: Bearer TOKEN", http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	})
}
