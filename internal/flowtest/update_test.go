package flowtest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/flowtest"
)

const updateFlow = `
name: update
tasks:
  a: {handler: real, handler_kwargs: echo}
  b: {handler: real, handler_kwargs: missing}
flow: a >> b
`

const beforeUpdate = `# what stays
mocks:
  b: {value: {n: 1, list: [1, 2.50, "yes", null], deep: {text: "several\nlines\n", more: 1}}}

cases:
  # a case without any
  - name: bare
    input: [1]

  - name: passes
    expect: {output_has: {n: 1.0}}  # stays
  - name: wrong
    expect:
      output: 7
      order: [b]
      tasks:
        a: {attempts: 9, why: elsewhere}
      output_has: {deep: {more: 3}}

    mocks: # of this one
      b: {value: {n: 2, deep: {more: 1, less: 2}}}
  - name: fails
    mocks: {b: {error: {kind: odd, message: "no: it's \"odd\""}}}
    expect: {output: 1}
`

const afterUpdate = `# what stays
mocks:
  b: {value: {n: 1, list: [1, 2.50, "yes", null], deep: {text: "several\nlines\n", more: 1}}}

cases:
  # a case without any
  - name: bare
    input: [1]
    expect:
      output:
        deep:
          more: 1
          text: |
            several
            lines
        list: [1, 2.50, "yes", null]
        n: 1
      order: [a, b]

  - name: passes
    expect: {output_has: {n: 1.0}}  # stays
  - name: wrong
    expect:
      output: {deep: {less: 2, more: 1}, n: 2}
      output_has: {deep: {more: 1}}
      order: [a, b]
      tasks: {a: {why: start, attempts: 1}}

    mocks: # of this one
      b: {value: {n: 2, deep: {more: 1, less: 2}}}
  - name: fails
    mocks: {b: {error: {kind: odd, message: "no: it's \"odd\""}}}
    expect:
      status: failed
      output: null
      error: {kind: odd, task: b, message: "no: it's \"odd\""}
`

func results(t *testing.T, f *flowtest.File) []*flowtest.Result {
	t.Helper()
	var all []*flowtest.Result
	for _, c := range f.Cases {
		r, err := runner().Run(t.Context(), f, c)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// TestUpdate writes what came, and then all cases pass and nothing is left to write.
func TestUpdate(t *testing.T) {
	t.Parallel()
	name := write(t, updateFlow, beforeUpdate)
	for i, want := range []int{3, 0} {
		f, err := flowtest.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		got, changed, err := f.Update(results(t, f))
		if err != nil || changed != want || string(got) != afterUpdate {
			t.Fatalf("round %d: got %d changes, %v:\n%s\nwant %d:\n%s", i, changed, err, got, want, afterUpdate)
		}
		if err := os.WriteFile(name, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := flowtest.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results(t, f) {
		if !r.Passed {
			t.Errorf("%s: %s", r.Name, flowtest.Explain(r, nil))
		}
	}
}

func TestUpdateRefuses(t *testing.T) {
	t.Parallel()
	f := load(t, updateFlow, "mocks: {b: {value: 1}}\ncases:\n  - {name: braces, expect: {output: 3}}\n")
	_, _, err := f.Update(results(t, f))
	if err == nil || !strings.Contains(err.Error(), "x.test.yaml:3:5: case \"braces\" can't be updated") {
		t.Errorf("got %v", err)
	}
}
