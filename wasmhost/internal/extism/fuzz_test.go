package extism_test

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"testing"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/extism"
)

// FuzzKernel calls functions as the input says. None may panic but with a Trap,
// and the memory stays within its limit.
func FuzzKernel(f *testing.F) {
	const limit = 256 << 10
	all := extism.Functions()
	index := make(map[string]byte)
	for i, f := range all {
		index[f.Name] = byte(i)
	}
	// A call is 4 bytes: function, kinds of its arguments, a number.
	f.Add([]byte{index["alloc"], 0, 100, 0, index["store_u64"], 3, 0, 0, index["output_set"], 1, 5, 0, index["free"], 1, 0, 0})
	f.Add([]byte{index["alloc"], 0, 0, 255, index["alloc"], 0, 0, 255, index["var_set"], 5, 0, 0, index["var_get"], 1, 0, 0})
	f.Add([]byte{index["http_request"], 5, 0, 0, index["http_headers"], 0, 0, 0, index["log_info"], 1, 0, 0, index["reset"], 0, 0, 0})
	f.Add([]byte{index["input_offset"], 0, 0, 0, index["http_request"], 2, 0, 0, index["free"], 2, 0, 0, index["input_load_u64"], 0, 0, 0})
	f.Fuzz(func(t *testing.T, calls []byte) {
		k := newKernel(t, extism.Config{
			Input:       []byte(`{"url":"http://a.test","headers":{"a":"b"}}`),
			Config:      map[string]string{"": "nameless"},
			KernelBytes: limit,
			VarBytes:    4 << 10,
			MaxOutput:   1 << 10,
			Log:         func(slog.Level, string) {},
			HTTP: func(_ context.Context, request abi.HTTPRequest) (abi.HTTPResponse, error) {
				if request.URL == "" {
					return abi.HTTPResponse{}, errors.New("no url")
				}
				return abi.HTTPResponse{Status: 200, Header: map[string][]string{"A": {"b"}}, Body: request.Body}, nil
			},
		})
		results := []uint64{0, 0} // the last two: offsets, mostly
		for ; len(calls) >= 4; calls = calls[4:] {
			f := all[int(calls[0])%len(all)]
			args := make([]uint64, len(f.Params))
			for i := range args {
				number := uint64(binary.LittleEndian.Uint16(calls[2:]))
				switch calls[1] >> (2 * i) & 3 {
				case 0:
					args[i] = number
				case 1:
					args[i] = results[0] + number>>8
				case 2:
					args[i] = results[1] + number>>8
				case 3:
					args[i] = number << 48
				}
			}
			result, _ := k.try(f.Name, args...)
			results = []uint64{results[1], result}
			if memory := k.do("memory_bytes"); memory > limit+2*64<<10 {
				t.Fatalf("memory of %d bytes, limit %d", memory, limit)
			}
			if len(k.state.Output()) > 1<<10 {
				t.Fatalf("output of %d bytes", len(k.state.Output()))
			}
			_ = k.state.Err()
		}
		size := 0
		for name, value := range k.state.Vars() {
			size += len(name) + len(value)
		}
		if size > 4<<10 {
			t.Fatalf("variables of %d bytes", size)
		}
	})
}

// FuzzBlocks holds blocks against a model: they do not overlap and keep what
// was written to them.
func FuzzBlocks(f *testing.F) {
	f.Add([]byte{10, 0, 200, 1, 0, 0x80, 3, 0, 0, 0x81, 255, 0})
	f.Fuzz(func(t *testing.T, steps []byte) {
		k := newKernel(t, extism.Config{KernelBytes: 1 << 30})
		steps = steps[:min(len(steps), 2000)] // 65 MB at most
		type kept struct{ offset, size, mark uint64 }
		var blocks []kept
		for i := 0; i+1 < len(steps); i += 2 {
			if steps[i] >= 0x80 && len(blocks) > 0 {
				victim := int(steps[i+1]) % len(blocks)
				k.do("free", blocks[victim].offset)
				blocks = append(blocks[:victim], blocks[victim+1:]...)
				continue
			}
			size := uint64(steps[i])*uint64(steps[i+1]) + 8
			b := kept{offset: k.do("alloc", size), size: size, mark: uint64(i) + 1}
			k.do("store_u64", b.offset, b.mark)
			k.do("store_u64", b.offset+size-8, b.mark<<32) // after, so that a block of 8 bytes holds it
			blocks = append(blocks, b)
		}
		for _, b := range blocks {
			if k.do("length", b.offset) != b.size || k.do("load_u64", b.offset+b.size-8) != b.mark<<32 {
				t.Fatalf("block %+v has length %d and ends in %x", b, k.do("length", b.offset), k.do("load_u64", b.offset+b.size-8))
			}
			if b.size >= 16 && k.do("load_u64", b.offset) != b.mark {
				t.Fatalf("block %+v begins with %x", b, k.do("load_u64", b.offset))
			}
		}
	})
}
