package javascript_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// TestErase wants types to be taken off, and errors to be told, as sucrase does without our
// patch and our short ways: testdata/erased.json is what that has given.
func TestErase(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/erased.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct{ Code, Erased, Error, At string }
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		erased, failed := erase(t, c.Code)
		switch {
		case c.Error == "" && (failed != nil || erased != c.Erased):
			t.Errorf("%s\ngot  %q %+v\nwant %q", c.Code, erased, failed, c.Erased)
		case c.Error != "" && (failed == nil || failed.Message != c.Error || fmt.Sprintf("%d:%d", failed.Line, failed.Column) != c.At || failed.Kind != "syntax"):
			t.Errorf("%s\ngot  %q %+v\nwant %s at %s", c.Code, erased, failed, c.Error, c.At)
		}
	}
}

// erase calls the task of that name.
func erase(tb testing.TB, code string) (string, *failure) {
	tb.Helper()
	input, err := json.Marshal(document{Code: code})
	if err != nil {
		tb.Fatal(err)
	}
	result, err := runtime(tb).Call(tb.Context(), "erase", input, wasmhost.Options{Limits: wasmhost.Limits{Timeout: time.Minute}})
	if err != nil {
		tb.Fatalf("%s: %v", code, err)
	}
	var got struct {
		Value string
		Error *failure
	}
	if err := json.Unmarshal(result.Output, &got); err != nil {
		tb.Fatalf("output %.200q: %v", result.Output, err)
	}
	return got.Value, got.Error
}

// TestErased wants run to take the code without its types as it is given, and to tell of
// errors in the code with them.
func TestErased(t *testing.T) {
	t.Parallel()
	given := "1 + 1;\nnull.x"
	got, _, err := call(t, document{Code: "type A = 1;\n(null as any).x", Language: "typescript", Erased: &given}, wasmhost.Options{})
	if err != nil || got.Error == nil || got.Error.Line != 2 || got.Error.File != "main.ts" {
		t.Errorf("got %s %+v, %v", got.Value, got.Error, err)
	}
	empty := ""
	if got, _, err = call(t, document{Code: "let a: number = ;", Language: "typescript", Erased: &empty}, wasmhost.Options{}); err != nil || got.Error != nil {
		t.Errorf("got %s %+v, %v", got.Value, got.Error, err)
	}
}
