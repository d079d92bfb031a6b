package script_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/script"
)

// TestPrebuilt runs the Python that others have compiled.
func TestPrebuilt(t *testing.T) {
	t.Parallel()
	wasm, err := os.ReadFile(filepath.Join(cmp.Or(os.Getenv("RUNTIMES_CACHE"), "../build/runtimes"), "python-prebuilt", "python.wasm"))
	switch {
	case err != nil && os.Getenv("CI") == "":
		t.Skip("NOT TESTED: the prebuilt Python was not fetched; sh runtimes/python/prebuilt.sh does")
	case err != nil:
		t.Fatal(err)
	}
	s, err := script.New(script.Config{Open: func(name string) (script.Runtime, error) {
		return script.Runtime{Name: name, Prebuilt: true, Wasm: wasm}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	var printed bytes.Buffer
	got, err := s.Run(t.Context(), script.Python, "print('hello')\n[n * 2 for n in input]", script.Options{Input: []int{1, 2}, Stderr: &printed})
	if err != nil || string(got.Value) != "[2,4]" || printed.String() != "hello\n" {
		t.Errorf("got %s, %v, printed %q", got.Value, err, printed.String())
	}
	_, err = s.Run(t.Context(), script.Python, "x = 1\n1 / 0", script.Options{})
	var failed *script.Error
	if !errors.As(err, &failed) || failed.Kind != script.KindException || failed.Line != 2 || failed.Type != "ZeroDivisionError" {
		t.Errorf("got %#v, want the error and its line", err)
	}
	tool := script.Func("f", "", func(context.Context, struct{}) (int, error) { return 1, nil })
	for _, options := range []script.Options{{Session: script.NewSession()}, {Tools: []script.Tool{tool}}} {
		if _, err := s.Run(t.Context(), script.Python, "1", options); err == nil || !strings.Contains(err.Error(), "make runtimes") {
			t.Errorf("got %v, want what to do", err)
		}
	}
}
