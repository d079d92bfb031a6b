package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/flowfile"
)

// checkFlows builds the flows of a page. With its guest they are validated too, and
// what the page says to run is run. Flows whose tasks are in containers need no guest
// for that.
func checkFlows(t *testing.T, dir string, p page) {
	t.Helper()
	last := ""
	for _, s := range p.in("yaml") {
		if strings.HasPrefix(s.text, "isolation:") { // no flow begins so
			checkOperatorPolicy(t, dir, s)
			continue
		}
		if isPolicy(s.text) {
			checkPolicy(t, dir, s)
			continue
		}
		if isTests(s.text) {
			checkTests(t, dir, s, last)
			continue
		}
		file, err := flowfile.Parse(s.name, []byte(s.text))
		if err != nil {
			t.Error(err)
			continue
		}
		last = file.Spec.Name
		name := last + ".flow.yaml"
		write(t, filepath.Join(dir, name), s.text, 0o600)
		if guests[p.name] != "" || strings.Contains(s.text, "docker") && !strings.Contains(s.text, "modules:") {
			run(t, dir, environment(t, dir), command, "validate", name)
		}
		for _, line := range runsOf(p, name) {
			if out := run(t, dir, environment(t, dir), command, strings.Fields(line)...); out == "" {
				t.Errorf("%s: graflow-wasm %s: no result", s.name, line)
			}
		}
	}
}

// isTests tells whether YAML is a test file: no flow has cases.
func isTests(text string) bool { return regexp.MustCompile(`(?m)^cases:`).MatchString(text) }

// checkTests runs the cases of a test file, of the flow that is before it on its page.
func checkTests(t *testing.T, dir string, s snippet, flow string) {
	t.Helper()
	name := filepath.Join(dir, flow+".test.yaml")
	write(t, name, s.text, 0o600)
	if out := run(t, dir, environment(t, dir), command, "test", name); !strings.Contains(out, "cases pass") {
		t.Errorf("%s: got %s", s.name, out)
	}
}

// checkOperatorPolicy has the command read a policy of an operator.
func checkOperatorPolicy(t *testing.T, dir string, s snippet) {
	t.Helper()
	name := filepath.Join(dir, "operator.yaml")
	write(t, name, s.text, 0o600)
	if out := run(t, dir, environment(t, dir), command, "policy", "check", name); !strings.Contains(out, "valid") {
		t.Errorf("%s: got %s", s.name, out)
	}
}

// isPolicy tells whether YAML is a policy of Docker tasks: no flow has images.
func isPolicy(text string) bool { return strings.HasPrefix(text, "images:") }

// checkPolicy has the command read a policy, and refuse what it does not allow.
func checkPolicy(t *testing.T, dir string, s snippet) {
	t.Helper()
	policy, flow := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "strange.flow.yaml")
	write(t, policy, s.text, 0o600)
	write(t, flow, "name: strange\ntasks: {a: {docker: {image: no.such.example/a}}}\n", 0o600)
	cmd := exec.CommandContext(t.Context(), command, "validate", flow, "--docker-policy", policy)
	cmd.Env = append(os.Environ(), environment(t, dir)...)
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), `would write images: ["no.such.example/a"] in the policy`) {
		t.Errorf("%s: got %v, %s; want it to refuse an image that is not in it", s.name, err, out)
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
