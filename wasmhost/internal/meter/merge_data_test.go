package meter_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"pgregory.net/rapid"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// segments lists the data segments of a module, rewritten: "address+length".
func segments(t *testing.T, wasm []byte) []string {
	t.Helper()
	rewritten, err := rewrite(wasm)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasmbin.Parse(rewritten, wasmbin.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if m.DataCount != nil && int(*m.DataCount) != len(m.Data) {
		t.Errorf("%d segments are announced, there are %d", *m.DataCount, len(m.Data))
	}
	var list []string
	for _, d := range m.Data {
		at := "passive"
		switch {
		case d.Mode == wasmbin.Active && d.At.Op == wasmbin.OpGlobalGet:
			at = "global"
		case d.Mode == wasmbin.Active:
			at = fmt.Sprint(address(d))
		}
		list = append(list, fmt.Sprintf("%s+%d", at, len(d.Bytes)))
	}
	return list
}

// address is where a segment with a constant offset begins.
func address(d wasmbin.Data) uint32 {
	code := wasmbin.NewDecoder(&wasmbin.Body{Code: d.At.Raw})
	code.Next()
	return uint32(code.A)
}

// image is the memory of a module after instantiation, or why there is none.
func image(tb testing.TB, r wazero.Runtime, wasm []byte) ([]byte, string) {
	tb.Helper()
	m, err := r.InstantiateWithConfig(tb.Context(), wasm, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return nil, err.Error()
	}
	defer m.Close(context.Background())
	all, _ := m.Memory().Read(0, m.Memory().Size())
	return bytes.Clone(all), ""
}

// sameImage reports how memory after instantiation differs from what it is
// without the meter, "" for not at all.
func sameImage(t *testing.T, wasm []byte) (difference string) {
	t.Helper()
	r := newRuntime(t)
	defer r.Close(context.Background())
	rewritten, err := rewrite(wasm)
	if err != nil {
		t.Fatal(err)
	}
	want, wantErr := image(t, r, wasm)
	got, gotErr := image(t, r, rewritten)
	switch {
	case gotErr != wantErr:
		return fmt.Sprintf("instantiated: %q, without the meter: %q", gotErr, wantErr)
	case !bytes.Equal(got, want):
		return "memory differs after instantiation"
	}
	return ""
}

// rawData adds a segment of two bytes after these, which are its kind and
// offset.
func rawData(m *asm.Module, kindAndOffset ...byte) {
	m.Raw(asm.DataSection, append(kindAndOffset, 2, 'x', 'y')...)
}

func TestMergeData(t *testing.T) {
	t.Parallel()
	const page = 64 << 10
	for name, test := range map[string]struct {
		build func(m *asm.Module)
		want  string
	}{
		"adjacent":       {func(m *asm.Module) { m.Data(8, "ab"); m.Data(10, "c") }, "8+3"},
		"not in order":   {func(m *asm.Module) { m.Data(90, "b"); m.Data(40, "a"); m.Data(60, "c") }, "40+51"},
		"later wins":     {func(m *asm.Module) { m.Data(5, "abcd"); m.Data(6, "XY"); m.Data(4, "pq") }, "4+5"},
		"same place":     {func(m *asm.Module) { m.Data(5, "abcd"); m.Data(5, "X"); m.Data(5, "YZ") }, "5+4"},
		"within":         {func(m *asm.Module) { m.Data(0, strings.Repeat("a", 200)); m.Data(50, "b"); m.Data(220, "c") }, "0+221"},
		"gap of 4 KiB":   {func(m *asm.Module) { m.Data(0, "a"); m.Data(4097, "b") }, "0+4098"},
		"larger gap":     {func(m *asm.Module) { m.Data(0, "a"); m.Data(4098, "b"); m.Data(4099, "c") }, "0+1 4098+2"},
		"to the end":     {func(m *asm.Module) { m.Data(page-2, "a"); m.Data(page-1, "b") }, "65534+2"},
		"alone":          {func(m *asm.Module) { m.Data(3, "a") }, "3+1"},
		"nothing gained": {func(m *asm.Module) { m.Data(9000, "b"); m.Data(0, "a") }, "9000+1 0+1"},
		"padded offsets": {func(m *asm.Module) {
			rawData(m, 0, 0x41, 0x84, 0, 0x0b)
			rawData(m, 0, 0x41, 0x86, 0x80, 0x80, 0x80, 0, 0x0b)
		}, "4+4"},
		"memory named": {func(m *asm.Module) { rawData(m, 2, 0, 0x41, 4, 0x0b); m.Data(6, "b") }, "4+3"},

		"empty":                {func(m *asm.Module) { m.Data(7, ""); m.Data(20, "a"); m.Data(40, "") }, "20+1"},
		"empty, no bridge":     {func(m *asm.Module) { m.Data(0, "a"); m.Data(3000, ""); m.Data(6000, "b") }, "0+1 6000+1"},
		"all empty":            {func(m *asm.Module) { m.Data(7, ""); m.Data(page, "") }, ""},
		"empty, out of bounds": {func(m *asm.Module) { m.Data(8, "a"); m.Data(9, "b"); m.Data(page+1, "") }, "8+1 9+1 65537+0"},
		"out of bounds":        {func(m *asm.Module) { m.Data(8, "a"); m.Data(9, "b"); m.Data(page-1, "cd") }, "8+1 9+1 65535+2"},
		"past 4 GiB":           {func(m *asm.Module) { m.Data(8, "a"); m.Data(9, "b"); m.Data(-1, "cd") }, "8+1 9+1 4294967295+2"},

		"memory.init": {func(m *asm.Module) {
			m.Data(8, "a")
			m.Data(9, "b")
			m.Func("", "", "", "", "i32.const 0 i32.const 0 i32.const 0 memory.init 1")
		}, "8+1 9+1"},
		"data.drop":  {func(m *asm.Module) { m.Data(8, "a"); m.Data(9, "b"); m.Func("", "", "", "", "data.drop 0") }, "8+1 9+1"},
		"never runs": {func(m *asm.Module) { m.Data(8, "a"); m.Data(9, "b"); m.Func("", "", "", "", "return data.drop 1") }, "8+1 9+1"},
		"passive":    {func(m *asm.Module) { m.Data(8, "a"); m.PassiveData("c"); m.Data(9, "b") }, "8+1 passive+1 9+1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m asm.Module
			m.Memory(1, -1)
			test.build(&m)
			if got := strings.Join(segments(t, m.Bytes()), " "); got != test.want {
				t.Errorf("got segments %s, want %s", got, test.want)
			}
			if difference := sameImage(t, m.Bytes()); difference != "" {
				t.Error(difference)
			}
		})
	}
}

// What a segment does is not known where its memory or offset is imported.
func TestImportsAreNotMerged(t *testing.T) {
	t.Parallel()
	var memory asm.Module
	memory.Raw(asm.ImportSection, []byte("\x01m\x01m\x02\x00\x01")...)
	memory.Data(8, "a")
	memory.Data(9, "b")
	if got := strings.Join(segments(t, memory.Bytes()), " "); got != "8+1 9+1" {
		t.Errorf("imported memory: got segments %s", got)
	}
	var offset asm.Module
	offset.Raw(asm.ImportSection, []byte("\x01m\x01g\x03\x7f\x00")...)
	offset.Memory(1, -1)
	offset.Data(8, "a")
	offset.Data(9, "b")
	rawData(&offset, 0, 0x23, 0, 0x0b)
	if got := strings.Join(segments(t, offset.Bytes()), " "); got != "8+1 9+1 global+2" {
		t.Errorf("imported offset: got segments %s", got)
	}
}

// Small gaps are always filled, others up to a share of the data or 1 MiB.
func TestZerosAreLimited(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		first, gap, count, want int
	}{
		{1, 4096, 256, 1},
		{1, 4096, 300, 1 + 300 - 256},
		{8 << 20, 4096, 600, 1 + 600 - 512},
		{1, 65, 16_131, 1},
		{1, 65, 16_140, 1 + 16_140 - 16_131},
		{1, 64, 40_000, 1},
	} {
		var m asm.Module
		m.Memory(200, -1)
		m.Data(0, strings.Repeat("a", test.first))
		for i := range test.count {
			m.Data(test.first+i*(test.gap+1)+test.gap, "b")
		}
		if got := segments(t, m.Bytes()); len(got) != test.want {
			t.Errorf("%d gaps of %d: got %d segments, want %d", test.count, test.gap, len(got), test.want)
		}
	}
}

// Names of segments go by index, which merging changes.
func TestDataNames(t *testing.T) {
	t.Parallel()
	const names = "\x09\x07\x02\x00\x01p\x01\x01q" // of data: 0 is p, 1 is q
	for offset, want := range map[int]bool{9: false, 9000: true} {
		var m asm.Module
		m.Memory(1, -1)
		m.Data(8, "a")
		m.Data(offset, "b")
		m.Custom("name", []byte("\x07\x04\x01\x00\x01g"+names)) // 7: of globals
		rewritten, err := rewrite(m.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(rewritten, []byte(names)); got != want {
			t.Errorf("second segment at %d: names of data kept: %v, want %v", offset, got, want)
		}
		if !bytes.Contains(rewritten, []byte("\x01\x00\x01g")) {
			t.Errorf("second segment at %d: names of globals are gone", offset)
		}
	}
}

// Random segments, overlapping or apart or out of bounds, leave memory as they
// do one by one.
func TestMergedImage(t *testing.T) {
	t.Parallel()
	near := rapid.IntRange(0, 300)
	far := rapid.IntRange(0, 2<<16)
	last := rapid.IntRange(2<<16-100, 2<<16)
	rapid.Check(t, func(check *rapid.T) {
		var m asm.Module
		m.Memory(2, -1)
		end := rapid.SampledFrom([]int{2 << 16, 2 << 16, 2<<16 + 1}).Draw(check, "end")
		count := rapid.IntRange(1, 40).Draw(check, "count")
		for range count {
			at := rapid.OneOf(near, near, far, last).Draw(check, "at")
			content := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(check, "content")
			m.Data(at, string(content[:min(len(content), end-at)]))
		}
		wasm := m.Bytes()
		if difference := sameImage(t, wasm); difference != "" {
			check.Error(difference)
		}
		if got := segments(t, wasm); len(got) > count {
			check.Errorf("%d segments became %d", count, len(got))
		}
		a, _ := rewrite(wasm)
		if b, _ := rewrite(wasm); !bytes.Equal(a, b) {
			check.Error("rewritten twice, it differs")
		}
	})
}

// Go's linker splits data at runs of zeros. All of it becomes one segment.
func TestGoData(t *testing.T) {
	t.Parallel()
	wasm, err := goPrograms()
	if err != nil {
		t.Fatal(err)
	}
	rewritten, err := rewrite(wasm)
	if err != nil {
		t.Fatal(err)
	}
	before, want := apply(t, wasm)
	after, got := apply(t, rewritten)
	if before < 10_000 || after > 5 {
		t.Errorf("%d segments became %d", before, after)
	}
	if !bytes.Equal(got, want) {
		t.Error("what the segments write differs")
	}
}

// apply returns how many segments a module has and what they write.
func apply(t *testing.T, wasm []byte) (segments int, memory []byte) {
	t.Helper()
	m, err := wasmbin.Parse(wasm, wasmbin.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	memory = make([]byte, m.Memories[0].Min<<16)
	for _, d := range m.Data {
		copy(memory[address(d):], d.Bytes)
	}
	return len(m.Data), memory
}
