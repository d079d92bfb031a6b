package linmem

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/tetratelabs/wazero/api"
)

// Shrink tells an instance about the size and place that its memory has after
// Map or Reset: mem is the memory of the instance whose allocator m is. It
// does nothing where they are as the instance knows them. The guest must not
// run. On an error, which is ErrShrink or ErrFreed, the instance has to be
// thrown away: it believes in memory that is no more. A memory that grew from
// size zero is such a case.
//
// wazero's memories only grow, and its compiled code keeps the length in a
// place of its own. So the memory is made one page shorter than it shall be,
// in the exported field Buffer of wazero's type, and grown by that page:
// which has wazero ask m for the whole, and write its length wherever it is
// kept. The first call tries that with a guest of its own, some milliseconds.
func Shrink(mem api.Memory, m *Memory) error {
	if m.freed {
		return fmt.Errorf("shrink memory: %w", ErrFreed)
	}
	w := wazeroMemory()
	if w.err != nil {
		return w.err
	}
	return w.shrink(mem, m)
}

// memoryType is wazero's internal type of a memory, with the place of its
// bytes, or the reason why Shrink is impossible.
type memoryType struct {
	pointer reflect.Type
	buffer  []int // index of the field
	err     error
}

// memoryTypeOf looks for the field in the type of mem.
func memoryTypeOf(mem api.Memory) memoryType {
	t := reflect.TypeOf(mem)
	if t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return memoryType{err: fmt.Errorf("%w: %v is not a pointer to a struct", ErrShrink, t)}
	}
	f, ok := t.Elem().FieldByName("Buffer")
	if !ok || !f.IsExported() || f.Type != reflect.TypeFor[[]byte]() {
		return memoryType{err: fmt.Errorf("%w: %v has no field Buffer of bytes", ErrShrink, t)}
	}
	return memoryType{pointer: t, buffer: f.Index}
}

func (w memoryType) shrink(mem api.Memory, m *Memory) error {
	v := reflect.ValueOf(mem)
	if !v.IsValid() || v.Type() != w.pointer || v.IsNil() {
		return fmt.Errorf("%w: its memory is %T, not wazero's", ErrShrink, mem)
	}
	buffer := v.Elem().FieldByIndex(w.buffer)
	if same(buffer.Bytes(), m.bytes) {
		return nil
	}
	size := len(m.bytes)
	if size == 0 {
		return fmt.Errorf("%w: to a size of zero", ErrShrink)
	}
	buffer.SetBytes(m.bytes[: size-PageSize : size-PageSize])
	if _, ok := mem.Grow(1); !ok {
		return fmt.Errorf("%w: its last page was refused", ErrShrink)
	}
	if !same(buffer.Bytes(), m.bytes) {
		return fmt.Errorf("%w: it has other bytes than its allocator", ErrShrink)
	}
	return nil
}

// same reports whether a and b are the same bytes, not only equal ones.
func same(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || unsafe.SliceData(a) == unsafe.SliceData(b))
}
