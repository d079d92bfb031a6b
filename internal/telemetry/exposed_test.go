package telemetry_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	dto "github.com/prometheus/client_model/go"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/cluster/clustertest"
	"github.com/graflow/graflow-wasm/internal/guesttest"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/telemetry"
)

// busy is what a real cluster under load exposes: 40 runs of functions, modules and
// source code, some of which fail, while others wait. It is made once.
var busy struct {
	once sync.Once
	all  families
}

func exposed(t *testing.T) families {
	t.Helper()
	busy.once.Do(func() { busy.all = load(t) })
	if busy.all == nil {
		t.Fatal("the cluster was not there")
	}
	return busy.all
}

func load(t *testing.T) families {
	t.Helper()
	receiver := newReceiver(t)
	tel := newTelemetry(t, telemetry.Config{Version: "v1", Revision: "r", Traces: &telemetry.Traces{Endpoint: receiver.URL, Node: "node"}})
	h, end := direct.New(), make(chan struct{})
	direct.Func(h, "fine", func(*direct.Context, any) (int, error) { return 1, nil })
	direct.Func(h, "fails", func(*direct.Context, any) (int, error) { return 0, errors.New("oh no") })
	direct.Func(h, "waits", func(c *direct.Context, _ any) (int, error) {
		select {
		case <-end:
		case <-c.Done():
		}
		return 1, nil
	})
	c := clustertest.Start(t, clustertest.Config{Direct: h, Engine: tel.Engine(), Host: tel.Host(), Published: tel.Published})
	tel.Watch(c.Engine, c.Host, c.Service)
	push(t, c.Service)
	var runs []string
	begin := func(tasks string) {
		got, err := c.Service.Runs.Submit(t.Context(), ops.Submission{Target: ops.Target{Source: "name: load\ntasks:\n" + tasks}, Input: json.RawMessage("null")})
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, got.Run)
	}
	for range 10 {
		begin("  a: {direct: {func: fine}}\n")
		begin("  a: {direct: {func: fails}, retry: {max: 1}}\n")
		begin("  a: {wasm: guest#spin, limits: {fuel: 100000000}}\n")
		begin("  a: {script: {language: javascript, code: \"export default () => 1\"}}\n")
	}
	for _, run := range runs {
		if _, err := c.Service.Runs.Follow(t.Context(), run, ops.FollowAll, func(engine.Notice, string) {}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 * 16 { // more than there are workers for
		begin("  a: {direct: {func: waits}}\n")
	}
	waitUntil(t, func() bool {
		ended := c.Engine.Counts()
		return len(receiver.all()) > 0 && ready(t, c.Service) > 0 && ended.Succeeded == 20 && ended.Failed == 20
	})
	all := scrape(t, tel)
	close(end)
	return all
}

// ready is how many tasks wait.
func ready(t *testing.T, s ops.Service) (n uint64) {
	t.Helper()
	list, err := s.Queues.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range list {
		n += q.Ready
	}
	return n
}

// waitUntil looks again and again: what is awaited happens in another process's time.
func waitUntil(t *testing.T, f func() bool) {
	t.Helper()
	for tick := time.Tick(20 * time.Millisecond); !f(); {
		select {
		case <-tick:
		case <-t.Context().Done():
			t.Fatal("it did not happen")
		}
	}
}

func push(t *testing.T, s ops.Service) {
	t.Helper()
	code, err := os.ReadFile(guesttest.Build(t, "testdata/guest"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Modules.Push(t.Context(), ops.ModulePush{Name: "guest", Version: "v1"}, code); err != nil {
		t.Fatal(err)
	}
}

// TestLoad looks at what is told of a cluster under load.
func TestLoad(t *testing.T) {
	t.Parallel()
	all := exposed(t)
	all.want(t, map[string]float64{
		"cluster_up": 1, "runs_begun_total": 72, "runs_ended_total status=succeeded": 20, "runs_ended_total status=failed": 20,
		"attempts_total handler=direct,outcome=succeeded": 10, "attempts_total handler=direct,kind=error,outcome=failed": 20,
		"retries_total handler=direct": 10, "attempts_total handler=wasm,kind=fuel,outcome=failed": 10,
		"attempts_total handler=script,outcome=succeeded": 10, "sandbox_calls_total kind=fuel": 10,
		"workers role=server": 1, "worker_slots": 8, "dead_letters_total": 0, "build_info go_version=" + runtime.Version() + ",revision=r,version=v1": 1,
	})
	for _, name := range []string{"queue_ready_tasks", "queue_in_flight_tasks", "queue_oldest_seconds"} {
		if v := all.value(name, "priority=normal,queue=default"); v <= 0 {
			t.Errorf("%s is %g, want more", name, v)
		}
	}
	for _, name := range []string{"journal_append_seconds", "run_seconds", "sandbox_start_seconds source=pool", "sandbox_reset_seconds", "sandbox_peak_memory_bytes", "sandbox_fuel_total", "sandbox_modules", "trace_spans_total"} {
		name, labels, _ := strings.Cut(name, " ")
		if v := all.value(name, labels); v <= 0 {
			t.Errorf("%s{%s} is %g, want more", name, labels, v)
		}
	}
	for name, family := range all {
		if n := len(family.GetMetric()); n > 100 {
			t.Errorf("%s has %d series", name, n)
		}
	}
}

var (
	documented = regexp.MustCompile("(?m)^\\| `(graflow_wasm_[a-z_]+)` \\| ([a-z]+) \\| ([^|]*)\\| (.+) \\|$")
	labelWord  = regexp.MustCompile("`([a-z_]+)`")
)

// TestDocumented: the page on telemetry has every metric that is exposed, with its
// type and its labels, and no other.
func TestDocumented(t *testing.T) {
	t.Parallel()
	all, text := exposed(t), read(t, "../../docs/telemetry.md")
	known := map[string]bool{}
	for _, row := range documented.FindAllStringSubmatch(text, -1) {
		name := row[1]
		known[name] = true
		family := all[name]
		if family == nil {
			t.Errorf("%s is described, and not exposed", name)
			continue
		}
		if got := strings.ToLower(family.GetType().String()); got != row[2] {
			t.Errorf("%s is a %s, described as a %s", name, got, row[2])
		}
		var want []string
		for _, l := range labelWord.FindAllStringSubmatch(row[3], -1) {
			want = append(want, l[1])
		}
		slices.Sort(want)
		if got := labelNames(family); !slices.Equal(got, want) {
			t.Errorf("%s has labels %q, described as %q", name, got, want)
		}
	}
	for name := range all {
		if strings.HasPrefix(name, "graflow_wasm_") && !known[name] {
			t.Errorf("%s is exposed, and not described", name)
		}
	}
}

func labelNames(f *dto.MetricFamily) []string {
	var all []string
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			if !slices.Contains(all, l.GetName()) {
				all = append(all, l.GetName())
			}
		}
	}
	slices.Sort(all)
	return all
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// rules is a file of alert rules, as Prometheus reads it.
type rules struct {
	Groups []struct {
		Name  string `yaml:"name"`
		Rules []struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			For         string            `yaml:"for"`
			Labels      map[string]string `yaml:"labels"`
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

// TestRules: what alert rules ask for is exposed, and each has a runbook.
func TestRules(t *testing.T) {
	t.Parallel()
	all, page := exposed(t), read(t, "../../docs/telemetry.md")
	var file rules
	if err := yaml.UnmarshalWithOptions([]byte(read(t, "../../packaging/monitoring/rules.yaml")), &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if seen[r.Alert] {
				t.Errorf("%s is there twice", r.Alert)
			}
			seen[r.Alert] = true
			for _, fault := range all.check(r.Expr) {
				t.Errorf("%s: %s", r.Alert, fault)
			}
			if _, err := time.ParseDuration(r.For); r.For != "" && err != nil {
				t.Errorf("%s: for: %v", r.Alert, err)
			}
			if !slices.Contains([]string{"info", "warning", "critical"}, r.Labels["severity"]) || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s lacks a severity, a summary or a description", r.Alert)
			}
			if want := "docs/telemetry.md#" + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != want || !strings.Contains(page, "\n### "+r.Alert+"\n") {
				t.Errorf("%s: its runbook is %q, want %q, which has to be there", r.Alert, r.Annotations["runbook_url"], want)
			}
		}
	}
	if len(seen) < 10 {
		t.Errorf("there are %d rules, want those of the issue", len(seen))
	}
	for _, m := range regexp.MustCompile(`(?m)^### (Graflow\w+)$`).FindAllStringSubmatch(page, -1) {
		if !seen[m[1]] {
			t.Errorf("there is a runbook for %s, and no rule", m[1])
		}
	}
}

// TestDashboard: what the dashboard draws is exposed, and it says where it is drawn.
func TestDashboard(t *testing.T) {
	t.Parallel()
	all := exposed(t)
	var board struct {
		Panels []struct {
			ID      int
			Type    string
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
		Templating struct{ List []struct{ Name string } }
	}
	if err := json.Unmarshal([]byte(read(t, "../../packaging/monitoring/dashboard.json")), &board); err != nil {
		t.Fatal(err)
	}
	drawn, cells, ids := map[string]bool{}, map[string]string{}, map[int]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] {
			t.Errorf("%s: there is another panel %d", p.Title, p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				cell := fmt.Sprint(x, ",", y)
				if cells[cell] != "" || x >= 24 {
					t.Errorf("%s is where %s is, or beyond the border: %s", p.Title, cells[cell], cell)
				}
				cells[cell] = p.Title
			}
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s draws nothing", p.Title)
		}
		for _, target := range p.Targets {
			for _, fault := range all.check(strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*").Replace(target.Expr)) {
				t.Errorf("%s: %s", p.Title, fault)
			}
			for _, name := range metricWord.FindAllString(target.Expr, -1) {
				drawn[all.family(name)] = true
			}
		}
	}
	for name := range all {
		if strings.HasPrefix(name, "graflow_wasm_") && !drawn[name] {
			t.Errorf("%s is not on the dashboard", name)
		}
	}
}
