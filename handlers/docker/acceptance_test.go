package docker

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/dockertest"
)

// custom is a handler of somebody's own.
type custom struct{}

func (custom) Handle(_ context.Context, c *engine.Call) (engine.Result, error) {
	return engine.Result{Value: json.RawMessage(`3`)}, nil
}

// TestAcceptanceDocker are the cases that ask for containers.
func TestAcceptanceDocker(t *testing.T) {
	t.Parallel()
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"docker": newHandler(t, Config{}), "custom": custom{}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	image := dockertest.Busybox(t)
	for _, test := range []struct {
		name   string
		second string // what a member does beside two others
		policy engine.Policy
		status engine.Status
		want   string // of the task that follows the group
	}{
		{name: "F77_docker_and_custom_handlers_in_a_group", second: "echo 2", status: engine.StatusSucceeded, want: `{"one":1,"three":3,"two":2}`},
		{name: "F77_a_container_fails_its_group", second: "exit 1", status: engine.StatusFailed},
		{name: "F77_a_group_that_can_do_without", second: "exit 1", policy: engine.Policy{AtLeast: 2}, status: engine.StatusSucceeded, want: `"one":1,"three":3}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			task := func(id, script string) engine.Task {
				return engine.Task{ID: id, Handler: "docker", Spec: json.RawMessage(shell(image, script))}
			}
			sum := task("sum", "cat")
			sum.With = map[string]json.RawMessage{"all": json.RawMessage(`"${tasks.work}"`)}
			g, err := engine.Spec{
				Name: "acceptance",
				Tasks: []engine.Task{
					task("one", `echo '{"op":"channel_add","key":"n","value":1}' > $GRAFLOW_EFFECTS; echo 1`),
					task("two", test.second),
					{ID: "three", Handler: "custom"},
					sum,
				},
				Groups: []engine.Group{{ID: "work", Policy: test.policy, Members: []engine.Member{
					{ID: "one", Nodes: []string{"one"}}, {ID: "two", Nodes: []string{"two"}}, {ID: "three", Nodes: []string{"three"}},
				}}},
				Edges: []engine.Edge{{From: "work", To: "sum"}},
			}.Build()
			if err != nil {
				t.Fatal(err)
			}
			out, err := e.Run(t.Context(), g, nil)
			if err != nil || out.Status != test.status {
				t.Fatalf("run %s, %v, %v, want %s", out.Status, out.Error, err, test.status)
			}
			if test.want != "" && !strings.Contains(string(out.Output), test.want) {
				t.Errorf("output %s, want %s in it", out.Output, test.want)
			}
		})
	}
}
