package policy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/policy"
)

// TestShow prints policies and reads them again: they are the same.
func TestShow(t *testing.T) {
	t.Parallel()
	withText := config
	withText.Key = func(name string) (policy.Key, error) {
		if name == policy.Key(ada).String() {
			return policy.Key(ada), nil
		}
		return config.Key(name)
	}
	for _, text := range []string{full, "{}", "grants: {secrets: [], spawn: []}"} {
		p, err := policy.Parse("p.yaml", []byte(text), withText)
		if err != nil {
			t.Fatal(err)
		}
		again, err := policy.Parse("p.yaml", []byte(p.Show().YAML()), withText)
		if err != nil {
			t.Fatalf("%v\n%s", err, p.Show().YAML())
		}
		want, err := json.Marshal(p.Show())
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(again.Show())
		if err != nil || string(got) != string(want) {
			t.Errorf("got\n%s, %v\nwant\n%s", got, err, want)
		}
	}
	if got := policy.Own().Show().YAML(); !strings.Contains(got, "# grants: not bounded") || !strings.Contains(got, "isolation: inproc\n") {
		t.Errorf("one's own:\n%s", got)
	}
}
