package wasmhost

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/tetratelabs/wazero/api"
)

// FuzzImports calls any function of the host with any arguments, twice, from a
// guest whose memory holds any bytes: the call ends in time, with a result or a
// *TrapError, and the next call finds a host in order.
func FuzzImports(f *testing.F) {
	for i := range hostFunctions {
		f.Add(uint16(i), []byte(`{"id":"a","name":"key","url":"http://127.0.0.1:1/"}`), uint64(0), uint64(51), uint64(0), uint64(8))
		f.Add(uint16(i), []byte{8, 0, 0, 0, 255, 255, 255, 255}, uint64(3), uint64(0), uint64(1), uint64(65532))
		f.Add(uint16(i), []byte(nil), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0))
	}
	h, err := New(f.Context(), Config{
		Trusted: func(string) bool { return true }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = h.Close(context.Background()) })
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, which uint16, memory []byte, a, b, c, d uint64) {
		wasm := callerOf(&hostFunctions[int(which)%len(hostFunctions)], memory, []uint64{a, b, c, d})
		m, err := h.Compile(t.Context(), wasm)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = m.Close(context.Background()) }()
		start := time.Now()
		result, err := m.Call(t.Context(), "f", []byte(`{"some":"input"}`), everything(dir))
		var trap *TrapError
		if err != nil && !errors.As(err, &trap) {
			t.Fatalf("got %v, want a *TrapError", err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		if err == nil && !json.Valid(result.Output) {
			t.Errorf("got output %q", result.Output)
		}
	})
}

// everything grants all there is, in small portions.
func everything(dir string) Options {
	return Options{
		Limits: Limits{Timeout: 200 * time.Millisecond, DiskBytes: 1 << 20, OutputBytes: 1 << 20},
		Grants: Grants{
			Mounts:  []Mount{{Host: dir, Guest: "/d", Writable: true}, {Guest: "/m", Memory: true}},
			Secrets: []string{"key"}, Tools: []string{"*"},
			HTTP: []string{"*"}, HTTPNetworks: []string{"127.0.0.0/8"}, Config: map[string]string{"key": "value"},
		},
		Services: Services{Meta: &abi.Meta{}, Results: giver{}, Channel: giver{}, Control: giver{}, Secrets: giver{}, Tools: giver{}},
	}
}

// giver gives its own words to whoever asks.
type giver struct{}

func (giver) Result(_ context.Context, id string) (json.RawMessage, error) { return json.Marshal(id) }

func (giver) Get(_ context.Context, key string) (json.RawMessage, error) { return json.Marshal(key) }

func (giver) Keys(_ context.Context, prefix string) ([]string, error) { return []string{prefix}, nil }
func (giver) Apply(context.Context, ChannelOp) error                  { return nil }
func (giver) NextTask(context.Context, abi.NextTask) error            { return nil }
func (giver) NextIteration(context.Context, json.RawMessage) error    { return nil }
func (giver) Terminate(context.Context, string) error                 { return nil }
func (giver) Cancel(context.Context, string) error                    { return abi.Unavailable }
func (giver) Checkpoint(context.Context, string, json.RawMessage) error {
	return nil
}
func (giver) Secret(_ context.Context, name string) ([]byte, error) { return []byte(name), nil }

func (giver) Pause(context.Context, abi.Pause) (json.RawMessage, error) {
	return json.RawMessage("null"), nil
}

func (giver) CallTool(_ context.Context, _ string, args json.RawMessage) (json.RawMessage, error) {
	return args, nil
}

// callerOf is a module that calls f twice with args, repeated as need be.
func callerOf(f *hostFunction, memory []byte, args []uint64) []byte {
	types := slices.Concat([]byte{2, 0x60}, vector(f.params), vector(f.results), []byte{0x60, 0, 1, 0x7f})
	imports := slices.Concat([]byte{1}, named(f.module), named(f.name), []byte{0, 0})
	exports := slices.Concat([]byte{2}, named("f"), []byte{0, 1}, named("memory"), []byte{2, 0})
	body := []byte{0}
	for range 2 {
		for i, t := range f.params {
			body = append(body, constant(t, args[i%len(args)])...)
		}
		body = append(body, 0x10, 0)
		for range f.results {
			body = append(body, 0x1a)
		}
	}
	body = append(body, 0x41, 0, 0x0b)
	code := append([]byte{1}, sized(body)...)
	data := slices.Concat([]byte{1, 0, 0x41, 0, 0x0b}, sized(memory[:min(len(memory), 60_000)]))
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		part(1, types), part(2, imports), part(3, []byte{1, 1}), part(5, []byte{1, 0, 1}),
		part(7, exports), part(10, code), part(11, data))
}

func part(id byte, body []byte) []byte { return append([]byte{id}, sized(body)...) }

func sized(b []byte) []byte { return append(binary.AppendUvarint(nil, uint64(len(b))), b...) }

func named(s string) []byte { return sized([]byte(s)) }

func vector(types []api.ValueType) []byte { return sized(types) }

// constant pushes v as a value of a type.
func constant(t api.ValueType, v uint64) []byte {
	switch t {
	case api.ValueTypeI32:
		return append([]byte{0x41}, signed(int64(int32(v)))...)
	case api.ValueTypeI64:
		return append([]byte{0x42}, signed(int64(v))...)
	default: // the host has f64 only
		return binary.LittleEndian.AppendUint64([]byte{0x44}, v)
	}
}

func signed(v int64) []byte {
	var b []byte
	for v < -0x40 || v > 0x3f {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v)&0x7f)
}
