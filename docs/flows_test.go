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
	for _, s := range p.in("yaml") {
		if isPolicy(s.text) {
			checkPolicy(t, dir, s)
			continue
		}
		file, err := flowfile.Parse(s.name, []byte(s.text))
		if err != nil {
			t.Error(err)
			continue
		}
		name := file.Spec.Name + ".flow.yaml"
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
