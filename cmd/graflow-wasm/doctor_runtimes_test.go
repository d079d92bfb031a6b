package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/runtimes"
)

func TestDoctorLooksAtInterpreters(t *testing.T) {
	t.Parallel()
	recipe := strings.Repeat("ab", 32)
	for _, test := range []struct {
		name    string
		runtime runtimes.Runtime
		err     error
		status  string
		want    string
	}{
		{"ours", runtimes.Runtime{Version: "3.13.5", Recipe: recipe, Wasm: []byte("wasm")}, nil, findingOK, "3.13.5, built by recipe abababababab, sha256:336154bf67f7, 4 B"},
		{"prebuilt", runtimes.Runtime{Version: "3.12", Recipe: "prebuilt", Prebuilt: true}, nil, findingOK, "built by others, without tools, sessions and ctx"},
		{"missing", runtimes.Runtime{}, &runtimes.MissingError{Name: "x"}, "note", "make runtimes"},
		{"damaged", runtimes.Runtime{}, errors.New("python.json: no JSON"), findingWrong, "no JSON"},
	} {
		var f findings
		f.runtimes(func(string) (runtimes.Runtime, error) { return test.runtime, test.err })
		if len(f.all) != 2 || f.all[0].Check != "python" || f.all[1].Check != "javascript" {
			t.Fatalf("%s: got %+v", test.name, f.all)
		}
		for _, found := range f.all {
			if found.Status != test.status || !strings.Contains(found.Text+" "+found.Do, test.want) {
				t.Errorf("%s: got %+v, want %s: %s", test.name, found, test.status, test.want)
			}
		}
	}
}
