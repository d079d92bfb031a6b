package examples_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/dockertest"
)

// TestDocker makes the image of 11-docker and runs its flow, as its page says; then with
// a first attempt that fails, and with one that hangs.
func TestDocker(t *testing.T) {
	t.Parallel()
	const want = `{"lines":120,"statuses":{"200":80,"304":16,"404":16,"500":1,"502":4,"503":3},` +
		`"failed":[{"path":"/pay","requests":4,"median":3.222,"p95":4.847},{"path":"/search","requests":3,"median":1.333,"p95":1.781},` +
		`{"path":"/cart","requests":1,"median":0.088,"p95":0.088}]}` + "\n"
	if got := makes(t, "11-docker", "--quiet"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if saved, err := os.ReadFile("../build/11-docker/files/sift/failed.gz"); err != nil || !bytes.HasPrefix(saved, []byte("\x1f\x8b")) {
		t.Errorf("got file %q, %v, want a gzip", saved, err)
	}
	log, err := os.ReadFile("11-docker/access.log")
	if err != nil {
		t.Fatal(err)
	}
	for _, stumble := range []string{"busy", "hang"} {
		out, errs, code := run(t, "11-docker/logs.flow.yaml", "--set", "log="+string(log), "--set", "stumble="+stumble, "-o", "json")
		o := outcomeOf(t, out)
		if got := string(o.Output) + "\n"; code != 0 || got != want || o.attempts("times") != 2 {
			t.Errorf("%s: got exit code %d, %d attempts, %s, want 2 and the same result: %s", stumble, code, o.attempts("times"), got, errs)
		}
	}
	noneLeft(t, "sift", "times")
}

// TestMixed makes the image of 12-mixed and runs its flow, as its page says.
func TestMixed(t *testing.T) {
	t.Parallel()
	o := outcomeOf(t, makes(t, "12-mixed", "--quiet", "-o", "json"))
	var report struct {
		Rows, GPUs int
		Clusters   []map[string]float64
	}
	if err := json.Unmarshal(o.Output, &report); err != nil {
		t.Fatal(err)
	}
	rows := []float64{}
	for _, c := range report.Clusters {
		rows = append(rows, c["rows"])
	}
	if slices.Sort(rows); report.Rows != 60 || !slices.Equal(rows, []float64{19, 20, 21}) {
		t.Errorf("got %s, want 60 rows in clusters of 19, 20 and 21", o.Output)
	}
	gpu := slices.ContainsFunc(o.Tasks, func(e executed) bool { return e.Activation == "cluster!fallback" && e.Status == "succeeded" })
	if gpu == (report.GPUs > 0) {
		t.Errorf("%d GPUs, and the fallback ran: %t", report.GPUs, gpu)
	}
	// Without the operator's word no GPU is asked for.
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := execute(t, "validate", "12-mixed/mixed.flow.yaml", "--cache-dir", cache, "--docker-policy", policy); code != 2 || !strings.Contains(errs, "gpus: true in the policy") {
		t.Errorf("a policy without GPUs: got exit code %d, %s", code, errs)
	}
	noneLeft(t, "cluster", "cpu", "check")
}

// makes runs the Makefile of an example and returns what it prints. It needs the tools
// that images are made with.
func makes(t *testing.T, example string, flags ...string) string {
	t.Helper()
	dockertest.Daemon(t)
	for _, tool := range []string{"docker", "make", "busybox", "cc"} {
		if _, err := exec.LookPath(tool); err == nil {
			continue
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("this example needs %s, which continuous integration has to have", tool)
		}
		t.Skipf("NOT TESTED: this example needs %s", tool)
	}
	cmd := exec.CommandContext(t.Context(), "make", "--no-print-directory", "-C", example, "GRAFLOW_WASM="+command, "FLAGS=--cache-dir "+cache+" "+strings.Join(flags, " "))
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("make in %s: %v\n%s%s", example, err, out, errs.String())
	}
	return string(out)
}

type outcome struct {
	Run    string
	Output json.RawMessage
	Tasks  []executed
}

type executed struct {
	Activation string
	Status     string
	Attempts   int
}

func outcomeOf(t *testing.T, text string) outcome {
	t.Helper()
	var o outcome
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return o
}

func (o outcome) attempts(activation string) int {
	for _, e := range o.Tasks {
		if e.Activation == activation {
			return e.Attempts
		}
	}
	return 0
}

// noneLeft wants no container of an example's tasks to be left.
func noneLeft(t *testing.T, tasks ...string) {
	t.Helper()
	for _, task := range tasks {
		if left := dockertest.Containers(t, "graflow.task="+task); len(left) > 0 {
			t.Errorf("task %s has left %v", task, left)
		}
	}
}
