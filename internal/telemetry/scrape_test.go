package telemetry_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/graflow/graflow-wasm/internal/telemetry"
)

// newTelemetry makes one that is closed after the test.
func newTelemetry(t *testing.T, c telemetry.Config) *telemetry.Telemetry {
	t.Helper()
	all, err := telemetry.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := all.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return all
}

// families are what a scrape tells, by name.
type families map[string]*dto.MetricFamily

// scrape reads all metrics as Prometheus does.
func scrape(t *testing.T, tel *telemetry.Telemetry) families {
	t.Helper()
	w := httptest.NewRecorder()
	tel.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("a scrape is answered %d: %s", w.Code, w.Body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	all, err := parser.TextToMetricFamilies(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// value is the value of a metric with labels, as "handler=direct,outcome=failed"; of
// a histogram its count. What is not there is 0.
func (f families) value(name, labels string) float64 {
	family := f["graflow_wasm_"+name]
	for _, m := range family.GetMetric() {
		if labelsOf(m) != labels {
			continue
		}
		switch {
		case m.Counter != nil:
			return m.GetCounter().GetValue()
		case m.Gauge != nil:
			return m.GetGauge().GetValue()
		case m.Histogram != nil:
			return float64(m.GetHistogram().GetSampleCount())
		}
	}
	return 0
}

func labelsOf(m *dto.Metric) string {
	var all []string
	for _, l := range m.GetLabel() {
		if l.GetValue() != "" {
			all = append(all, l.GetName()+"="+l.GetValue())
		}
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// want compares values.
func (f families) want(t *testing.T, want map[string]float64) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(want)) {
		name, labels, _ := strings.Cut(key, " ")
		if got := f.value(name, labels); got != want[key] {
			t.Errorf("%s is %g, want %g", key, got, want[key])
		}
	}
}
