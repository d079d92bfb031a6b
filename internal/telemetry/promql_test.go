package telemetry_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What an expression of PromQL is made of, as far as ours go.
var (
	metricWord = regexp.MustCompile(`\b(?:graflow_wasm|go|process)_[a-z_]+\b`)
	selector   = regexp.MustCompile(`\b((?:graflow_wasm|go|process)_[a-z_]+)(?:\{([^}]*)\})?`)
	matcher    = regexp.MustCompile(`^([a-z_]+)(=~|!~|!=|=)"([^"]*)"$`)
	grouping   = regexp.MustCompile(`\b(?:by|on|ignoring|without) \(([^)]*)\)`)
	rates      = regexp.MustCompile(`\b(rate|increase)\(([a-z_]+)(?:\{[^}]*\})?\[\d+[smh]\]\)`)
	ranges     = regexp.MustCompile(`\[[^\]]*\]`)
	quoted     = regexp.MustCompile(`"[^"]*"`)
	word       = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_:]*`)
)

// keywords are the words of PromQL that we use.
var keywords = strings.Fields("sum max min count by on and or rate increase histogram_quantile absent le instance")

// external are labels that Prometheus adds.
var external = []string{"instance", "job", "le"}

// family is the name of the family of which a series is.
func (f families) family(series string) string {
	if f[series] != nil {
		return series
	}
	for _, end := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(series, end); ok && f[base].GetType().String() == "HISTOGRAM" {
			return base
		}
	}
	return ""
}

// check tells what is wrong with an expression: metrics and labels that are not
// exposed, rates of what is no counter, words and parentheses that do not fit.
func (f families) check(expr string) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)+" in "+expr) }
	labels := slices.Clone(external)
	for _, s := range selector.FindAllStringSubmatch(expr, -1) {
		family := f.family(s[1])
		if family == "" {
			fault("%s is not exposed", s[1])
			continue
		}
		here := append(labelNames(f[family]), external...)
		labels = append(labels, here...)
		if s[2] == "" {
			continue
		}
		for _, m := range strings.Split(s[2], ",") {
			parts := matcher.FindStringSubmatch(m)
			if parts == nil || !slices.Contains(here, parts[1]) {
				fault("%s has no label as %s asks for", family, m)
				continue
			}
			faults = append(faults, f.checkValues(family, parts)...)
		}
	}
	for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
		for _, l := range strings.Split(g[1], ",") {
			if l = strings.TrimSpace(l); l != "" && !slices.Contains(labels, l) {
				fault("nothing has the label %q", l)
			}
		}
	}
	for _, r := range rates.FindAllStringSubmatch(expr, -1) {
		if kind := f[f.family(r[2])].GetType().String(); kind != "COUNTER" && kind != "HISTOGRAM" {
			fault("%s of %s, which is a %s", r[1], r[2], kind)
		}
	}
	if n, m := len(ranges.FindAllString(expr, -1)), len(rates.FindAllString(expr, -1)); n != m {
		fault("%d ranges for %d rates", n, m)
	}
	return append(faults, checkForm(expr, labels)...)
}

// checkValues wants what a label is compared with to be values that it has, as far as
// they are of a closed set.
func (f families) checkValues(family string, m []string) (faults []string) {
	closed := []string{"status", "outcome", "source", "role"}
	if family == "graflow_wasm_sandbox_calls_total" {
		closed = append(closed, "kind")
	}
	if !slices.Contains(closed, m[1]) {
		return nil
	}
	for _, value := range strings.Split(m[3], "|") {
		found := false
		for _, metric := range f[family].GetMetric() {
			for _, l := range metric.GetLabel() {
				found = found || l.GetName() == m[1] && l.GetValue() == value
			}
		}
		if !found {
			faults = append(faults, fmt.Sprintf("%s has no %s %q", family, m[1], value))
		}
	}
	return faults
}

// checkForm wants parentheses to fit, and words to be known.
func checkForm(expr string, labels []string) (faults []string) {
	text := ranges.ReplaceAllString(quoted.ReplaceAllString(expr, `""`), "")
	depth := 0
	for _, r := range text {
		switch r {
		case '(', '{':
			depth++
		case ')', '}':
			depth--
		}
		if depth < 0 {
			break
		}
	}
	if depth != 0 {
		faults = append(faults, "parentheses that do not fit in "+expr)
	}
	for _, w := range word.FindAllString(text, -1) {
		if !metricWord.MatchString(w) && !slices.Contains(keywords, w) && !slices.Contains(labels, w) {
			faults = append(faults, fmt.Sprintf("the word %q in %s", w, expr))
		}
	}
	return faults
}

// TestCheck: the checks of rules find what is wrong with them.
func TestCheck(t *testing.T) {
	t.Parallel()
	all := exposed(t)
	for expr, want := range map[string]string{
		`sum(rate(graflow_wasm_runs_ended_total{status="failed"}[5m])) > 1`: "",
		`graflow_wasm_runs_lost_total > 1`:                                  "is not exposed",
		`graflow_wasm_runs_ended_total{state="failed"}`:                     "has no label",
		`graflow_wasm_runs_ended_total{status="lost"}`:                      `no status "lost"`,
		`sum by (flow) (graflow_wasm_runs_ended_total)`:                     `the label "flow"`,
		`rate(graflow_wasm_runs_driven[5m])`:                                "which is a GAUGE",
		`graflow_wasm_runs_ended_total[5m]`:                                 "1 ranges for 0 rates",
		`sum(graflow_wasm_runs_driven`:                                      "parentheses",
		`summ(graflow_wasm_runs_driven)`:                                    `the word "summ"`,
		`graflow_wasm_runs_driven_count`:                                    "is not exposed",
		`histogram_quantile(0.9, sum by (le) (rate(go_gc_duration_x[5m])))`: "is not exposed",
	} {
		got := strings.Join(all.check(expr), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", expr, got, want)
		}
	}
}
