package wasmhost_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// moved is an image as another process has it.
func moved(tb testing.TB, i *wasmhost.Image) *wasmhost.Image {
	tb.Helper()
	data, err := i.MarshalBinary()
	if err != nil {
		tb.Fatal(err)
	}
	var other wasmhost.Image
	if err := other.UnmarshalBinary(data); err != nil {
		tb.Fatal(err)
	}
	clear(data) // it keeps nothing of it
	return &other
}

// TestImageMoves goes on in another host with each call, of this kind and that.
func TestImageMoves(t *testing.T) {
	t.Parallel()
	hosts := []*wasmhost.Module{
		hostWith(t, wasmhost.Config{}, guestBytes(t, buildSession)),
		hostWith(t, wasmhost.Config{Portable: true}, guestBytes(t, buildSession)),
		hostWith(t, wasmhost.Config{}, guestBytes(t, buildSession)),
	}
	s := session{tb: t, opt: reproducible()}
	drawn := uint64(0)
	for i := range 9 {
		s.m = hosts[i%len(hosts)]
		got := s.say("x")
		if drawn == 0 {
			drawn = got.Drawn
		}
		if got.Count != i+1 || got.Words["x"] != i+1 || got.Drawn != drawn {
			t.Fatalf("call %d: got %+v", i, got)
		}
		s.image = moved(t, s.image)
	}
}

const sessionDir = "GRAFLOW_TEST_SESSION"

// TestImageInOtherProcess goes on in a process of its own.
func TestImageInOtherProcess(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(sessionDir); dir != "" {
		goOn(t, dir)
		return
	}
	dir := t.TempDir()
	s := session{tb: t, m: hostWith(t, wasmhost.Config{}, guestBytes(t, buildSession)), opt: reproducible()}
	s.say("here")
	data, err := s.image.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"guest": guestBytes(t, buildSession), "image": data} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	other := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestImageInOtherProcess$", "-test.v")
	other.Env = append(os.Environ(), sessionDir+"="+dir)
	if out, err := other.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if data, err = os.ReadFile(filepath.Join(dir, "image")); err != nil {
		t.Fatal(err)
	}
	if err := s.image.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	if got := s.say("here again"); got.Text != "here / there / here again" {
		t.Errorf("got %+v", got)
	}
}

// goOn is what the other process does.
func goOn(t *testing.T, dir string) {
	t.Helper()
	wasm, err := os.ReadFile(filepath.Join(dir, "guest"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "image"))
	if err != nil {
		t.Fatal(err)
	}
	s := session{tb: t, m: hostWith(t, wasmhost.Config{Portable: true}, wasm), opt: reproducible(), image: new(wasmhost.Image)}
	if err := s.image.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	if got := s.say("there"); got.Text != "here / there" {
		t.Errorf("got %+v", got)
	}
	if data, err = s.image.MarshalBinary(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "image"), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestImageMismatch begins with images that are of something else.
func TestImageMismatch(t *testing.T) {
	t.Parallel()
	wasm := guestBytes(t, buildSession)
	s := session{tb: t, m: hostWith(t, wasmhost.Config{}, wasm), opt: options()}
	s.say("a")
	opt := func(change func(*wasmhost.Options)) wasmhost.Options {
		o := s.opt
		o.From = s.image
		change(&o)
		return o
	}
	other := hostWith(t, wasmhost.Config{}, wasm)
	for _, c := range []struct {
		name, why string
		m         *wasmhost.Module
		opt       wasmhost.Options
	}{
		{"another module", "of module", abilities(t), opt(func(*wasmhost.Options) {})},
		{"another environment", "environment", s.m, opt(func(o *wasmhost.Options) { o.Grants.Env = map[string]string{"A": "b"} })},
		{"another name", "another name", s.m, opt(func(o *wasmhost.Options) { o.Name = "other" })},
		{"reproducible or not", "clock", s.m, opt(func(o *wasmhost.Options) { o.Reproducible = true })},
		{"another initialization", "another state", other, opt(func(*wasmhost.Options) {})},
		{"no image", "of module", s.m, opt(func(o *wasmhost.Options) { o.From = &wasmhost.Image{} })},
	} {
		export := c.m.Describe().Tasks[0].Name
		_, err := c.m.Call(t.Context(), export, nil, c.opt)
		if !errors.Is(err, wasmhost.ErrImageMismatch) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	if got := s.say("b"); got.Text != "a / b" {
		t.Errorf("got %+v", got)
	}
}

// The places of numbers in an image.
const (
	clockAt   = 13 + 1 + 3*32
	sizeAt    = clockAt + 8
	globalsAt = sizeAt + 8
)

// forged changes an image and signs it.
func forged(tb testing.TB, i *wasmhost.Image, change func(b []byte) []byte) []byte {
	tb.Helper()
	b, err := i.MarshalBinary()
	if err != nil {
		tb.Fatal(err)
	}
	b = change(b[:len(b)-4])
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

// TestForgedImage reads what somebody has made up, and calls with what passes.
func TestForgedImage(t *testing.T) {
	t.Parallel()
	m := compile(t, counting(1, inMemory))
	_, r := counted(t, m, nil)
	set := func(at int, n uint64) func([]byte) []byte {
		return func(b []byte) []byte {
			binary.LittleEndian.PutUint64(b[at:], n)
			return b
		}
	}
	for name, c := range map[string]struct {
		change func([]byte) []byte
		want   string
	}{
		"nothing":            {func([]byte) []byte { return nil }, "no image"},
		"another format":     {func(b []byte) []byte { b[3]++; return b }, "no image"},
		"a later version":    {func(b []byte) []byte { b[13]++; return b }, "version 2, want 1"},
		"cut off":            {func(b []byte) []byte { return b[:globalsAt+7] }, "cut off"},
		"a clock":            {set(clockAt, 1<<63), "numbers"},
		"a huge memory":      {set(sizeAt, 1<<40), "numbers"},
		"a memory with sign": {set(sizeAt, 1<<63), "numbers"},
		"half a page":        {set(sizeAt, 1<<15), "not a delta"},
		"many globals":       {set(globalsAt, 1<<61), "numbers"},
		"no memory":          {set(sizeAt, 0), "not a delta"},
		"less globals":       {func(b []byte) []byte { return set(globalsAt, 3)(slices.Delete(b, globalsAt+8, globalsAt+16)) }, "does not fit"},
		"more memory":        {set(sizeAt, 10<<16), "does not fit"}, // than the module declares
		"more than may be":   {set(sizeAt, 1<<32), "its image needs"},
		"a patch cut off":    {func(b []byte) []byte { return append(b, 0x80) }, "not a delta"},
		"a patch past it":    {func(b []byte) []byte { return append(b, 0xff, 0xff, 0x03, 9, 9) }, "not a delta"},
		"a smaller memory":   {func(b []byte) []byte { return set(sizeAt, 0)(b[:globalsAt+8+4*8]) }, "does not fit"},
		"another state":      {func(b []byte) []byte { b[clockAt-1]++; return b }, "another state"},
	} {
		var i wasmhost.Image
		err := i.UnmarshalBinary(forged(t, r.Image, c.change))
		if err == nil {
			_, err = m.Call(t.Context(), "f", nil, wasmhost.Options{Name: "img", From: &i})
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	data, err := r.Image.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for at := range data {
		b := slices.Clone(data)
		b[at] ^= 0x40
		var i wasmhost.Image
		if err := i.UnmarshalBinary(b); err == nil {
			t.Fatalf("byte %d was changed unnoticed", at)
		}
	}
	// A number that no i32 can be is cut off.
	var i wasmhost.Image
	if err := i.UnmarshalBinary(forged(t, r.Image, set(globalsAt+8, 7<<32|6))); err != nil {
		t.Fatal(err)
	}
	if got, _ := counted(t, m, &i); got != "409037" { // as after the first call: 17 + 20 + 9000 + 400 000
		t.Errorf("got %s", got)
	}
}

// FuzzImage reads whatever there is, and calls with what passes.
func FuzzImage(f *testing.F) {
	var guest asm.Module
	guest.Memory(1, 4)
	guest.Global('i', true, "i32.const 0")
	guest.Func("f", "", "i", "", `i32.const 1 memory.grow drop i32.const 70000 i32.const 7 i32.store 0
		i32.const 100 i32.const 100 i32.load 0 i32.const 1 i32.add i32.store 0 global.get 0 i32.const 1 i32.add global.set 0 i32.const 0`)
	m := compile(f, guest.Bytes())
	r, err := m.Call(f.Context(), "f", nil, wasmhost.Options{Keep: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{}, true)
	data, _ := r.Image.MarshalBinary()
	f.Add(data, false)
	f.Add(data[globalsAt-16:len(data)-4], true)
	f.Fuzz(func(t *testing.T, b []byte, after bool) {
		if after { // the digests are right
			b = forged(t, r.Image, func(own []byte) []byte { return append(own[:globalsAt-16], b...) })
		}
		var i wasmhost.Image
		if i.UnmarshalBinary(b) != nil {
			return
		}
		again, err := i.MarshalBinary()
		if err != nil || string(again) != string(b) {
			t.Fatalf("%x became %x, %v", b, again, err)
		}
		_, err = m.Call(t.Context(), "f", nil, wasmhost.Options{From: &i, Keep: true})
		var trap *wasmhost.TrapError
		if err != nil && !errors.Is(err, wasmhost.ErrImageMismatch) && !errors.As(err, &trap) {
			t.Fatal(err)
		}
		if r, err := m.Call(t.Context(), "f", nil, wasmhost.Options{Keep: true}); err != nil || r.Image.Size() != int64(len(data))-4 {
			t.Fatalf("the next call: %v", err)
		}
	})
}
