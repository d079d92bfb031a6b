package sdk

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// registration is what is known of a declared task without its types.
type registration struct {
	name, doc string
	in, out   reflect.Type
	warm      func()
}

var (
	registryMu sync.Mutex // guards registry
	registry   = map[string]registration{}
)

func register(r registration) {
	registryMu.Lock()
	defer registryMu.Unlock()
	if r.name == "" {
		panic("sdk: a task without a name")
	}
	if _, taken := registry[r.name]; taken {
		panic(fmt.Sprintf("sdk: task %q is declared twice", r.name))
	}
	registry[r.name] = r
}

// registered lists the declared tasks, by name.
func registered() []registration {
	registryMu.Lock()
	defer registryMu.Unlock()
	var tasks []registration
	for _, r := range registry {
		tasks = append(tasks, r)
	}
	slices.SortFunc(tasks, func(a, b registration) int { return cmp.Compare(a.name, b.name) })
	return tasks
}

// Describe describes the declared tasks, sorted by name. The SDK's own export
// graflow_describe answers with it.
func Describe() abi.Description {
	description := abi.Description{Tasks: []abi.TaskDescription{}}
	for _, r := range registered() {
		description.Tasks = append(description.Tasks, abi.TaskDescription{
			Name:   r.name,
			Doc:    r.doc,
			Input:  schemaOf(r.in),
			Output: schemaOf(r.out),
		})
	}
	return description
}
