package natsbus

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// blobBus is a bus of a namespace of its own on a server of its own, with a stream
// for blobs.
func blobBus(tb testing.TB) *Bus {
	tb.Helper()
	s, err := embedded.Start(tb.Context(), embedded.Config{Dir: tb.TempDir()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Shutdown)
	b := openBus(tb, s.Connect, "main")
	if _, err := b.js.CreateStream(tb.Context(), blobStream(b.cfg)); err != nil {
		tb.Fatal(err)
	}
	return b
}

func openBus(tb testing.TB, connect func(...nats.Option) (*nats.Conn, error), namespace string) *Bus {
	tb.Helper()
	b, err := Open(tb.Context(), Config{Connect: connect, Namespace: namespace})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	return b
}

// inNamespace is a bus on the same connection.
func inNamespace(b *Bus, namespace string) *Bus {
	cfg := b.cfg
	cfg.Namespace = namespace
	return &Bus{cfg: cfg, nc: b.nc, js: b.js, log: b.log}
}

func random(tb testing.TB, size int) []byte {
	tb.Helper()
	data := make([]byte, size)
	if _, err := rand.Read(data); err != nil {
		tb.Fatal(err)
	}
	return data
}

// stored is how many messages there are in the stream of blobs.
func stored(tb testing.TB, b *Bus) uint64 {
	tb.Helper()
	s, err := b.js.Stream(tb.Context(), streamBlobs)
	if err != nil {
		tb.Fatal(err)
	}
	return s.CachedInfo().State.Msgs
}

// read opens a blob and reads it, past the cache.
func read(ctx context.Context, b *Bus, run, digest string) ([]byte, error) {
	r, err := newBlobs(b).Open(ctx, run, digest)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

// TestBlobsSuite runs every case with and without what the process keeps in memory.
func TestBlobsSuite(t *testing.T) {
	t.Parallel()
	bus := blobBus(t)
	for name, limit := range map[string]int{"cached": blobCacheBytes, "uncached": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			enginetest.Suite{Open: func(t *testing.T) *engine.Backend {
				t.Helper()
				if !strings.Contains(t.Name(), "/Blobs/") {
					t.Skip("of another part")
				}
				all := engine.InMemory()
				all.Blobs = &Blobs{bus: inNamespace(bus, t.Name()), cache: newBlobCache(limit)}
				return all
			}}.Run(t)
		})
	}
}

func TestBlobsOfManyChunks(t *testing.T) {
	t.Parallel()
	bus := blobBus(t)
	for _, size := range []int{chunkBytes - 1, chunkBytes, chunkBytes + 1, 3 * chunkBytes, wholeBytes, wholeBytes + 1, 4*wholeBytes + 5} {
		want, before := random(t, size), stored(t, bus)
		for range 2 {
			digest, n, err := newBlobs(bus).Put(t.Context(), "r", bytes.NewReader(want))
			if err != nil || n != int64(size) || digest != fmt.Sprintf("sha256:%x", sha256.Sum256(want)) {
				t.Fatalf("put %d bytes: %s of %d, %v", size, digest, n, err)
			}
			if got := stored(t, bus) - before; got != uint64(chunks(n)) {
				t.Errorf("%d bytes are %d messages, want %d", size, got, chunks(n))
			}
			if got, err := read(t.Context(), bus, "r", digest); err != nil || !bytes.Equal(got, want) {
				t.Errorf("read %d of %d bytes, %v", len(got), size, err)
			}
		}
	}
	if err := newBlobs(bus).Forget(t.Context(), "r"); err != nil || stored(t, bus) != 0 {
		t.Errorf("%d messages of a forgotten run, %v", stored(t, bus), err)
	}
}

// TestBlobsForgetOneRun also sees that what begins with a run's id is another's.
func TestBlobsForgetOneRun(t *testing.T) {
	t.Parallel()
	bus := blobBus(t)
	all := map[string]*Bus{"r": bus, "r2": bus, "r.x": bus, "R": inNamespace(bus, "other")}
	var digest string
	for run, b := range all {
		var err error
		if digest, _, err = newBlobs(b).Put(t.Context(), run, strings.NewReader("kept")); err != nil {
			t.Fatal(err)
		}
	}
	if err := newBlobs(bus).Forget(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	for run, b := range all {
		if _, err := read(t.Context(), b, run, digest); (run == "r") != errors.Is(err, engine.ErrNotFound) {
			t.Errorf("run %s after run r was forgotten: %v", run, err)
		}
	}
}

func TestBlobsTampered(t *testing.T) {
	t.Parallel()
	bus := blobBus(t)
	for _, size := range []int{10, 3*chunkBytes + 7, wholeBytes + chunkBytes + 1} {
		for _, chunk := range []int{0, chunks(int64(size)) - 1} {
			run := fmt.Sprint(size, "-", chunk)
			want := random(t, size)
			digest, _, err := newBlobs(bus).Put(t.Context(), run, bytes.NewReader(want))
			if err != nil {
				t.Fatal(err)
			}
			tamper(t, bus, newBlobs(bus).subject(run, digest[len(digestPrefix):], chunk), func(m *nats.Msg) { m.Data[0] ^= 1 })
			if _, err := read(t.Context(), bus, run, digest); !errors.Is(err, ErrTampered) {
				t.Errorf("%d bytes, chunk %d changed: %v, want %v", size, chunk, err, ErrTampered)
			}
			if _, _, err := newBlobs(bus).Put(t.Context(), run, bytes.NewReader(want)); !errors.Is(err, ErrTampered) {
				t.Errorf("%d bytes put over a chunk %d that was changed: %v, want %v", size, chunk, err, ErrTampered)
			}
		}
	}
}

func TestBlobsTamperedHeaders(t *testing.T) {
	t.Parallel()
	bus := blobBus(t)
	for name, change := range map[string]func(*nats.Msg){
		"no size":        func(m *nats.Msg) { m.Header.Del(headerSize) },
		"negative":       func(m *nats.Msg) { m.Header.Set(headerSize, "-1") },
		"huge":           func(m *nats.Msg) { m.Header.Set(headerSize, "9223372036854775807") },
		"longer":         func(m *nats.Msg) { m.Header.Set(headerSize, "11") },
		"wrong chunks":   func(m *nats.Msg) { m.Header.Set(headerChunks, "2") },
		"chunk too long": func(m *nats.Msg) { m.Data = append(m.Data, 0) },
		"missing chunks": func(m *nats.Msg) {
			m.Data = make([]byte, chunkBytes)
			m.Header.Set(headerSize, fmt.Sprint(2*chunkBytes))
			m.Header.Set(headerChunks, "2")
		},
	} {
		digest, _, err := newBlobs(bus).Put(t.Context(), name, strings.NewReader("0123456789"))
		if err != nil {
			t.Fatal(err)
		}
		tamper(t, bus, newBlobs(bus).subject(name, digest[len(digestPrefix):], 0), change)
		if _, err := read(t.Context(), bus, name, digest); !errors.Is(err, ErrTampered) {
			t.Errorf("%s: %v, want %v", name, err, ErrTampered)
		}
	}
}

// tamper replaces a message, as only one who may purge can.
func tamper(tb testing.TB, b *Bus, subject string, change func(*nats.Msg)) {
	tb.Helper()
	s, err := b.js.Stream(tb.Context(), streamBlobs)
	if err != nil {
		tb.Fatal(err)
	}
	raw, err := s.GetLastMsgForSubject(tb.Context(), subject)
	if err != nil {
		tb.Fatal(err)
	}
	m := &nats.Msg{Subject: subject, Header: nats.Header{}, Data: bytes.Clone(raw.Data)}
	for _, key := range []string{headerChunks, headerSize} {
		m.Header.Set(key, raw.Header.Get(key))
	}
	change(m)
	if _, err := b.js.PublishMsg(tb.Context(), m); err == nil {
		tb.Fatal("a chunk was written twice")
	}
	if err := s.DeleteMsg(tb.Context(), raw.Sequence); err != nil {
		tb.Fatal(err)
	}
	if _, err := b.js.PublishMsg(tb.Context(), m); err != nil {
		tb.Fatal(err)
	}
}

// failsAt is a reader of zeros that fails after a number of bytes.
type failsAt struct{ left int64 }

var errBroken = errors.New("broken")

func (r *failsAt) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, errBroken
	}
	n := min(int64(len(p)), r.left)
	clear(p[:n])
	r.left -= n
	return int(n), nil
}

func filesIn(tb testing.TB, dir string) []os.DirEntry {
	tb.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func TestBlobsOfBrokenReadersLeaveNothing(t *testing.T) {
	bus := blobBus(t)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	for _, size := range []int64{0, 3 * chunkBytes, wholeBytes + 5*chunkBytes} {
		if _, _, err := newBlobs(bus).Put(t.Context(), "r", &failsAt{size}); !errors.Is(err, errBroken) {
			t.Errorf("put of a reader that fails after %d: %v", size, err)
		}
	}
	if _, _, err := newBlobs(bus).Put(t.Context(), "r", bytes.NewReader(random(t, 2*wholeBytes))); err != nil {
		t.Error(err)
	}
	if got, want := stored(t, bus), uint64(chunks(2*wholeBytes)); got != want {
		t.Errorf("%d messages, want the %d of the blob that was put", got, want)
	}
	if left := filesIn(t, temp); len(left) != 0 {
		t.Errorf("files left: %v", left)
	}
}

// TestBlobsGoOn puts a blob of which some chunks are there, as a process that died
// left them: without the first one there is no blob.
func TestBlobsGoOn(t *testing.T) {
	t.Parallel()
	bus := blobBus(t)
	want := random(t, 5*chunkBytes)
	digest, _, err := newBlobs(bus).Put(t.Context(), "r", bytes.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	s, err := bus.js.Stream(t.Context(), streamBlobs)
	if err != nil {
		t.Fatal(err)
	}
	for _, chunk := range []int{0, 3} {
		m, err := s.GetLastMsgForSubject(t.Context(), newBlobs(bus).subject("r", digest[len(digestPrefix):], chunk))
		if err == nil {
			err = s.DeleteMsg(t.Context(), m.Sequence)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := read(t.Context(), bus, "r", digest); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("read half a blob: %v, want %v", err, engine.ErrNotFound)
	}
	if _, _, err := newBlobs(bus).Put(t.Context(), "r", bytes.NewReader(want)); err != nil {
		t.Fatal(err)
	}
	if got, err := read(t.Context(), bus, "r", digest); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

func TestBlobsOfClosedBus(t *testing.T) {
	t.Parallel()
	bus := blobBus(t)
	bus.Close()
	blobs := newBlobs(bus)
	_, _, err := blobs.Put(t.Context(), "r", strings.NewReader("x"))
	if !errors.Is(err, engine.ErrClosed) {
		t.Errorf("put: %v, want %v", err, engine.ErrClosed)
	}
	if _, err := blobs.Open(t.Context(), "r", digestPrefix+strings.Repeat("00", 32)); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("open: %v, want %v", err, engine.ErrClosed)
	}
	if err := blobs.Forget(t.Context(), "r"); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("forget: %v, want %v", err, engine.ErrClosed)
	}
}

func TestBlobCache(t *testing.T) {
	t.Parallel()
	c := newBlobCache(3 * (1000 + 256))
	for i := range 4 {
		c.find("r", "1") // used, so 0 is the oldest
		c.add("r", fmt.Sprint(i), make([]byte, 1000))
		c.add("r", fmt.Sprint(i), make([]byte, 1000)) // once is enough
	}
	c.add("r", "too large", make([]byte, 4000))
	for name, want := range map[string]bool{"0": false, "1": true, "2": true, "3": true, "too large": false} {
		if _, got := c.find("r", name); got != want {
			t.Errorf("%s is there: %t, want %t", name, got, want)
		}
	}
	c.forget("r")
	if _, got := c.find("r", "1"); got || c.bytes != 0 || len(c.runs) != 0 || c.order.Len() != 0 {
		t.Errorf("after forget: %d bytes, %d runs, %d blobs", c.bytes, len(c.runs), c.order.Len())
	}
}

func BenchmarkBlobs(b *testing.B) {
	bus := blobBus(b)
	for _, size := range []int{256, 64 << 10, 4 << 20} {
		data := random(b, size)
		b.Run(fmt.Sprintf("put/%d", size), func(b *testing.B) {
			blobs := &Blobs{bus: bus, cache: newBlobCache(0)}
			b.SetBytes(int64(size))
			for i := 0; b.Loop(); i++ {
				if _, _, err := blobs.Put(b.Context(), fmt.Sprint("r", i), bytes.NewReader(data)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("open/%d", size), func(b *testing.B) {
			blobs := &Blobs{bus: bus, cache: newBlobCache(0)}
			digest, _, err := blobs.Put(b.Context(), "open", bytes.NewReader(data))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			for b.Loop() {
				r, err := blobs.Open(b.Context(), "open", digest)
				if err == nil {
					_, err = io.Copy(io.Discard, r)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
