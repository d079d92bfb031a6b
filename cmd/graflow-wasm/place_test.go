package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestPlace: a flag goes before variables, an empty flag before its own; two places of
// the same rank are refused.
func TestPlace(t *testing.T) { //nolint:paralleltest // it sets variables
	variables := map[string]string{"st": stateVariable, "na": clusterVariable, "se": remoteVariable}
	for _, one := range []struct {
		set, args, want string
	}{
		{"", "", ""},
		{"st", "", "--state"},
		{"na", "", "--nats"},
		{"se", "", "--server"},
		{"st na", "--server x", "--server"},
		{"st se", "--nats x", "--nats"},
		{"na se", "--state x", "--state"},
		{"na se", "--nats=", "--server"},
		{"se", "--server=", ""},
		{"st na", "", "GRAFLOW_WASM_STATE and GRAFLOW_WASM_NATS are both set: say where the runs are"},
		{"na se", "", "GRAFLOW_WASM_NATS and GRAFLOW_WASM_SERVER are both set: say where the cluster is"},
		{"", "--state x --server y", "--state and --server: a run is kept in a directory, or on a cluster; give one of them"},
		{"", "--nats x --server y", "--nats and --server: each names a cluster; give one of them"},
	} {
		for _, name := range variables {
			t.Setenv(name, "")
		}
		for _, short := range strings.Fields(one.set) {
			t.Setenv(variables[short], "there")
		}
		p, f := placeFlags{}, pflag.NewFlagSet("", pflag.ContinueOnError)
		p.addTo(f, "the `DIR`")
		if err := f.Parse(strings.Fields(one.args)); err != nil {
			t.Fatal(err)
		}
		got := p.kind()
		if err := p.check(); err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, one.want) || got != "" && one.want == "" {
			t.Errorf("with %q set and %q given: got %q, want %q", one.set, one.args, got, one.want)
		}
		if p.isFar() != (p.onCluster() || p.onServer()) || p.kept() != (p.kind() != "") {
			t.Errorf("with %q set and %q given: far %t, kept %t, of %q", one.set, one.args, p.isFar(), p.kept(), p.kind())
		}
	}
}

// TestRemoteArgument: what is told to be typed next means the same server, and tells no
// token.
func TestRemoteArgument(t *testing.T) {
	t.Setenv(tokenVariable, "gw_secret_secret_secret")
	c, f := clusterFlags{}, pflag.NewFlagSet("", pflag.ContinueOnError)
	c.addAllTo(f, "", "")
	if err := f.Parse([]string{"--server", "https://me:word@host:7070", "--token-file", "a b", "--tls-ca", "ca.pem"}); err != nil {
		t.Fatal(err)
	}
	if got, want := c.where(), ` --server https://me:xxxxx@host:7070 --token-file 'a b' --tls-ca ca.pem`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
