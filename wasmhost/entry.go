package wasmhost

import (
	"math"
	"reflect"

	"github.com/tetratelabs/wazero/api"
)

// keptStack is the largest stack, in bytes, that an idle sandbox may keep.
const keptStack = 64 << 10

// entry is the export that a sandbox ran last, with the stack that wazero made
// for it: to make and grow one for each call costs more than a small task.
type entry struct {
	name     string
	function api.Function
}

// function is an export, ready to be called.
func (s *sandbox) function(name string) api.Function {
	if s.entry.name != name {
		s.entry = entry{name: name, function: s.instance.ExportedFunction(name)}
	}
	return s.entry.function
}

// trim gives up a stack that a deep recursion has left large.
func (s *sandbox) trim() {
	if s.entry.function != nil && stackOf(s.entry.function) > keptStack {
		s.entry = entry{}
	}
}

// stackOf is the size of the stack that belongs to an exported function, in
// bytes. wazero does not tell, so this looks at the field; where that is not
// there, every stack counts as large.
func stackOf(f api.Function) int {
	v := reflect.ValueOf(f)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return math.MaxInt
	}
	stack := v.Elem().FieldByName("stack")
	if stack.Kind() != reflect.Slice {
		return math.MaxInt
	}
	return stack.Cap() * int(stack.Type().Elem().Size())
}
