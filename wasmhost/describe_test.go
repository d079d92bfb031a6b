package wasmhost_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// describing is a module with many tasks that describes many more, n times over.
func describing(n int) []byte {
	const each, last = "{},", `{"name":"t7","doc":"first"},{"name":"t7","doc":"seventh"},{"name":"x"}]}`
	var m asm.Module
	m.ImportFunc("graflow_v1", "output_write", "ii", "i")
	m.Memory(2, 2)
	m.Data(0, `{"tasks":[`)
	m.Data(16, strings.Repeat(each, 5_000))
	m.Data(16+5_000*len(each), last)
	m.Func("graflow_describe", "", "i", "i", fmt.Sprintf(`
		i32.const 0 i32.const 10 call 0 drop
		i32.const %d local.set 0
		loop _
			i32.const 16 i32.const %d call 0 drop
			local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0
		end
		i32.const %d i32.const %d call 0 drop i32.const 0`, n, 5_000*len(each), 16+5_000*len(each), len(last)))
	for i := range 5_000 {
		m.Func(fmt.Sprint("t", i), "", "i", "", "i32.const 0")
	}
	return m.Bytes()
}

// TestTasksOfFloods reads descriptions that are made to keep the host busy, after
// their guest has ended.
func TestTasksOfFloods(t *testing.T) {
	t.Parallel()
	tasks, err := compile(t, describing(20)).Tasks(t.Context())
	if err != nil || len(tasks) != 5_000 {
		t.Fatalf("got %d tasks, %v", len(tasks), err)
	}
	for _, task := range tasks {
		if (task.Doc == "seventh") != (task.Name == "t7") {
			t.Errorf("got %q described as %q", task.Name, task.Doc)
		}
	}
	if _, err := compile(t, describing(200)).Tasks(t.Context()); !errors.Is(err, wasmhost.ErrOutputTooLarge) {
		t.Errorf("3 MB: got %v, want ErrOutputTooLarge", err)
	}
}
