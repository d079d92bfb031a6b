// Command guest is a large program as toolchains emit them. It is built for
// wasip1 as a reactor, and only compiled.
package main

import (
	"encoding/json"
	"go/format"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"text/template"
)

func main() {}

//go:wasmexport task
func task() int32 {
	var v any
	if err := json.Unmarshal([]byte(`{"a": [1, 2]}`), &v); err != nil {
		return 1
	}
	source, err := format.Source([]byte("package x"))
	if err != nil || !regexp.MustCompile("p[a-z]+e").Match(source) {
		return 2
	}
	w := httptest.NewRecorder()
	http.NotFound(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if template.Must(template.New("").Parse("{{.}}")).Execute(os.Stdout, v) != nil {
		return 3
	}
	return int32(w.Code)
}
