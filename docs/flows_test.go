package docs_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/flowfile"
)

// checkFlows builds the flows of a page. With its guest they are validated too, and
// what the page says to run is run.
func checkFlows(t *testing.T, dir string, p page) {
	t.Helper()
	for _, s := range p.in("yaml") {
		file, err := flowfile.Parse(s.name, []byte(s.text))
		if err != nil {
			t.Error(err)
			continue
		}
		name := file.Spec.Name + ".flow.yaml"
		write(t, filepath.Join(dir, name), s.text, 0o600)
		if guests[p.name] != "" {
			run(t, dir, environment(t, dir), command, "validate", name)
		}
		for _, line := range runsOf(p, name) {
			if out := run(t, dir, environment(t, dir), command, strings.Fields(line)...); out == "" {
				t.Errorf("%s: graflow-wasm %s: no result", s.name, line)
			}
		}
	}
}

var inline = regexp.MustCompile("`graflow-wasm (run [^`\n]+)`")

// runsOf are the commands in the page's text that run a flow.
func runsOf(p page, name string) []string {
	var all []string
	for _, m := range inline.FindAllStringSubmatch(p.text, -1) {
		if strings.Contains(m[1], " "+name) {
			all = append(all, m[1])
		}
	}
	return all
}
