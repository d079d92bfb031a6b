package wasmhost_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// plugins is the directory of the plug-ins that Extism's Go SDK ships.
var plugins = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", "github.com/extism/go-sdk@v1.7.1")
	cmd.Dir = os.TempDir() // it is no dependency of ours
	out, err := cmd.Output()
	var module struct{ Dir string }
	if err == nil {
		err = json.Unmarshal(out, &module)
	}
	return filepath.Join(module.Dir, "wasm"), err
})

func plugin(t *testing.T, name string) *wasmhost.Module {
	t.Helper()
	dir, err := plugins()
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip("NOT TESTED: the plug-ins of Extism's Go SDK can't be fetched:", err)
	}
	wasm, err := os.ReadFile(filepath.Join(dir, name+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return compile(t, wasm)
}

// TestExtism runs plug-ins as they were built, twice each: the second call finds
// a sandbox that was reset.
func TestExtism(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, export, input string
		config              map[string]string
		want                string // the output, or part of the error
		kind                string // of the error
	}{
		{name: "config", export: "run_test", config: map[string]string{"thing": "hi"}, want: `{"config": "hi"}`},
		{name: "count_vowels", export: "count_vowels", input: `"hello world"`, want: `{"count":3,"total":3,"vowels":"aeiouAEIOU"}`},
		{name: "count_vowels_std", export: "_start", input: `"hello"`, want: `{"count": 2, "config": "<unset by host>", "a": "this is var a"}`},
		{name: "exit", export: "_start", config: map[string]string{"code": "0"}, want: `null`},
		{name: "exit", export: "_start", kind: wasmhost.KindError, want: "exit code 2"},
		{name: "fail", export: "run_test", kind: wasmhost.KindError, want: "Some error message"},
		{name: "hello", export: "run_test", want: `"Hello, world!"`},
		{name: "hello_haskell", export: "testing", input: `"John"`, config: map[string]string{"greeting": "Howdy"}, want: `"Howdy, John"`},
		{name: "std_command", export: "_start", input: `"ben"`, want: `"hello ben"`},
		{name: "http", export: "run_test", kind: wasmhost.KindDenied, want: "http"},
	} {
		t.Run(tc.name+" "+tc.export, func(t *testing.T) {
			t.Parallel()
			m := plugin(t, tc.name)
			opt := options()
			opt.Grants.Config = tc.config
			for range 2 {
				if tc.kind != "" {
					if e := trap(t, m, tc.export, tc.input, tc.kind, opt); !strings.Contains(e.Message, tc.want) {
						t.Errorf("got %q, want %q in it", e.Message, tc.want)
					}
					continue
				}
				if got := string(call(t, m, tc.export, tc.input, opt).Output); got != tc.want {
					t.Errorf("got %s, want %s", got, tc.want)
				}
			}
			if d := m.Describe(); d.ABI != wasmhost.ABIExtism {
				t.Errorf("got ABI %q", d.ABI)
			}
		})
	}
}

func TestExtismFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "test.txt"), []byte("hello world!"), 0o600); err != nil {
		t.Fatal(err)
	}
	opt := options()
	opt.Grants.Mounts = []wasmhost.Mount{{Host: dir, Guest: "/mnt"}}
	opt.Grants.Config = map[string]string{"path": "/mnt/test.txt"}
	if got := text(t, plugin(t, "read_write"), "try_read", opt); got != "hello world!" {
		t.Errorf("got %q", got)
	}
	e := trap(t, plugin(t, "read_write"), "try_write", `"x"`, wasmhost.KindError, opt)
	if !strings.Contains(e.Message, "Failed to write") {
		t.Errorf("got %v", e)
	}
}

func TestExtismHTTP(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"method": %q}`, r.Method)
	}))
	t.Cleanup(server.Close)
	opt := options()
	opt.Grants.HTTP, opt.Grants.HTTPNetworks = []string{strings.TrimPrefix(server.URL, "http://")}, []string{"127.0.0.0/8"}
	opt.Grants.Config = map[string]string{"url": server.URL}
	// The plug-in asks for an address of its own, which was not granted.
	e := trap(t, plugin(t, "http"), "run_test", "", wasmhost.KindDenied, opt)
	if !strings.Contains(e.Error(), "jsonplaceholder.typicode.com") {
		t.Errorf("got %v", e)
	}
}

func TestExtismDeadline(t *testing.T) {
	t.Parallel()
	opt := options()
	opt.Limits.Timeout = 200 * time.Millisecond
	opt.Grants.Config = map[string]string{"duration": "60"}
	_ = trap(t, plugin(t, "sleep"), "run_test", "", wasmhost.KindTimeout, opt)
}
