package flowfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/flowfile"
)

func TestRelativeVolumes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"x.flow.yaml": "name: x\ntasks:\n  a: {docker: {image: a, volumes: {./data: /data, /srv: /srv}}}\n  b: {flow: ./y.flow.yaml}\n  s: {flow: ./s.flow.yaml}\n" +
			"  c:\n    flow:\n      tasks:\n        d: {docker: {image: a, volumes: {../up: {bind: /up}}}}\n",
		"y.flow.yaml": "name: y\ntasks:\n  a:\n    docker: {image: a, volumes: {deep: /deep}}\n",
		"s.flow.yaml": "name: s\ntasks:\n  a:\n    script:\n      language: python\n      code: \"1\"\n      with: [/srv/lib, ./lib]\n",
		"z.flow.yaml": "name: z\ntasks:\n  a: {docker: {image: a, volumes: {/srv: /srv}}}\n  s: {script: {language: python, code: \"1\", with: [/srv/lib]}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, err := flowfile.Load(filepath.Join(dir, "x.flow.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if file, err = file.Absolute(); err != nil {
		t.Fatal(err)
	}
	got := file.Locate(file.RelativeVolumes()).Error()
	for _, want := range []string{"x.flow.yaml:3:", "x.flow.yaml:9:", "s.flow.yaml:7:24", "y.flow.yaml:4:", "another machine"} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %s", got, want)
		}
	}
	if n := strings.Count(got, "another machine"); n != 4 {
		t.Errorf("got %d faults, want 4:\n%s", n, got)
	}
	if file, err = flowfile.Load(filepath.Join(dir, "z.flow.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := file.RelativeVolumes(); err != nil {
		t.Errorf("all are absolute: got %v", err)
	}
}
