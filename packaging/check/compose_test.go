package check_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// composed is compose.yaml as Docker Compose understands it: checked against the schema,
// with variables and anchors resolved, and references to networks and volumes checked.
func composed(tb testing.TB) *types.Project {
	tb.Helper()
	file := filepath.Join(packaging, "compose.yaml")
	project, err := loader.LoadWithContext(tb.Context(), types.ConfigDetails{
		WorkingDir: packaging, ConfigFiles: []types.ConfigFile{{Filename: file}}, Environment: types.Mapping{},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return project
}

func composeLines(tb testing.TB) []line {
	tb.Helper()
	var all []line
	for name, service := range composed(tb).Services {
		all = append(all, line{"compose.yaml: " + name, service.Command})
	}
	return all
}

func TestCompose(t *testing.T) {
	t.Parallel()
	project := composed(t)
	if got := project.ServiceNames(); !slices.Equal(got, []string{"server", "worker"}) {
		t.Fatalf("got services %v", got)
	}
	for name, s := range project.Services {
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || s.Privileged || s.User != "" {
			t.Errorf("%s is not hardened: %+v", name, s)
		}
		if s.StopGracePeriod == nil || s.StopGracePeriod.String() < "35s" {
			t.Errorf("%s is stopped after %v, before it has drained", name, s.StopGracePeriod)
		}
		for _, p := range s.Ports {
			if p.HostIP != "127.0.0.1" {
				t.Errorf("%s is published on %q: without TLS no other machine may reach it", name, p.HostIP)
			}
		}
	}
	if !project.Networks["bus"].Internal {
		t.Error("the network of NATS leads elsewhere")
	}
}
