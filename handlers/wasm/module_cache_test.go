package wasm_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// TestRegistryModulesLeave: those used longest ago go first, and their code with
// them; nothing else does.
func TestRegistryModulesLeave(t *testing.T) {
	t.Parallel()
	s, host := newShelf(), ownHost(t)
	h, err := wasm.New(wasm.Config{Host: host, Registry: s, RegistryModules: 2})
	if err != nil {
		t.Fatal(err)
	}
	digests := make([]string, 3)
	for i := range digests {
		digests[i] = s.put("", command(fmt.Sprint("leaves ", i)))
	}
	first, err := host.Compile(t.Context(), command("leaves 0"))
	if err != nil {
		t.Fatal(err)
	}
	run := func(i int) {
		t.Helper()
		call := newCall(t, "", nil)
		call.Task.Spec = marshal(t, digests[i])
		if _, err := h.Handle(t.Context(), call); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range []int{0, 1, 0, 1} {
		run(i)
	}
	if n := len(s.opened); n != 2 {
		t.Errorf("%d modules were read, want 2", n)
	}
	run(2) // 0 goes
	run(1)
	if _, err := first.Call(t.Context(), "_start", nil, wasmhost.Options{}); !errors.Is(err, wasmhost.ErrClosed) {
		t.Errorf("the code of a module that has gone: %v, want it to be closed", err)
	}
	run(0) // 2 goes
	run(1)
	if want := []string{digests[0], digests[1], digests[2], digests[0]}; !slices.Equal(s.opened, want) {
		t.Errorf("read %v, want %v", s.opened, want)
	}
}

// TestRegistryModulesInUse: a module is not closed under those who run it, however
// many there are.
func TestRegistryModulesInUse(t *testing.T) {
	t.Parallel()
	s := newShelf()
	h, err := wasm.New(wasm.Config{Host: ownHost(t), Registry: s, RegistryModules: 1})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 30 {
				call := newCall(t, "", nil)
				call.Task.Spec = marshal(t, s.put("", command(fmt.Sprint("in use ", (worker+i)%4))))
				if _, err := h.Handle(t.Context(), call); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// TestPrewarm: the first call finds its module compiled.
func TestPrewarm(t *testing.T) {
	t.Parallel()
	s := newShelf()
	one, two := s.put("one", command("warm 1")), s.put("two@1", command("warm 2"))
	h := newHandler(t, wasm.Config{Registry: s})
	if err := h.Prewarm(t.Context(), []string{one, "two@1"}); err != nil {
		t.Fatal(err)
	}
	s.down = errors.New("down")
	for _, digest := range []string{one, two} {
		call := newCall(t, "", nil)
		call.Task.Spec = marshal(t, digest)
		if _, err := h.Handle(t.Context(), call); err != nil {
			t.Error(err)
		}
	}
	err := h.Prewarm(t.Context(), []string{"none@1", one, "sha256:1"})
	if err == nil || !strings.Contains(err.Error(), `prewarm module "none@1": ask the registry: down`) || !strings.Contains(err.Error(), `prewarm module "sha256:1"`) {
		t.Errorf("got %v, want both faults", err)
	}
}
