package artifact_test

import (
	"os"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/artifact"
)

func TestLimitSelf(t *testing.T) {
	t.Parallel()
	out, err := actor(t, "limits").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	said := strings.Join(strings.Fields(string(out)), " ")
	for _, want := range []string{
		"NoNewPrivs: 1",
		"Max cpu time 60 61 seconds",
		"Max file size 536870912 536870912 bytes",
		"Max core file size 0 0 bytes",
		"Max open files 64 64 files",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("missing %q in\n%s", want, out)
		}
	}
	if strings.Contains(said, "Max address space unlimited") {
		t.Error("the address space is unlimited")
	}
}

func TestSealed(t *testing.T) {
	t.Parallel()
	path, f, err := artifact.NewSealed(t.TempDir(), "code", true)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("evil"), 0); err == nil {
		t.Error("wrote to sealed code")
	}
	if err := f.Truncate(0); err == nil {
		t.Error("truncated sealed code")
	}
	if again, err := os.OpenFile(path, os.O_RDWR, 0); err == nil {
		if _, err := again.Write([]byte("evil")); err == nil {
			t.Error("wrote to sealed code by its path")
		}
		again.Close()
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "code" {
		t.Errorf("by its path: %q, %v", got, err)
	}
}
