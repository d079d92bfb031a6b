package enginetest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/graflow/graflow-wasm/engine"
)

var blobCases = []testCase{
	{"put and open", blobPut},
	{"of a reader that fails", blobReaderFails},
	{"belong to their run", blobRuns},
	{"put and opened by many", blobMany},
}

func openBlob(t *testing.T, s Suite, b engine.Blobs, run, digest string) ([]byte, error) {
	t.Helper()
	r, err := b.Open(s.patient(t), run, digest)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	check(t, err)
	check(t, r.Close())
	return data, nil
}

func blobPut(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	for _, want := range [][]byte{nil, []byte("a"), bytes.Repeat([]byte("0123456789abcdef"), 1<<16)} {
		for range 2 { // the second time it is there already
			digest, size, err := b.Blobs.Put(s.patient(t), "r", bytes.NewReader(want))
			check(t, err)
			if wantDigest := fmt.Sprintf("sha256:%x", sha256.Sum256(want)); digest != wantDigest || size != int64(len(want)) {
				t.Errorf("put %d bytes: %s, size %d, want %s", len(want), digest, size, wantDigest)
			}
			got, err := openBlob(t, s, b.Blobs, "r", digest)
			check(t, err)
			if !bytes.Equal(got, want) {
				t.Errorf("opened %d bytes, want the %d that were put", len(got), len(want))
			}
		}
	}
	_, err := openBlob(t, s, b.Blobs, "r", fmt.Sprintf("sha256:%x", sha256.Sum256([]byte("never put"))))
	wantError(t, "open a blob that is not there", err, engine.ErrNotFound)
}

func blobReaderFails(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	broken := errors.New("broken")
	_, _, err := b.Blobs.Put(s.patient(t), "r", io.MultiReader(bytes.NewReader([]byte("half")), iotest.ErrReader(broken)))
	wantError(t, "put", err, broken)
	_, err = openBlob(t, s, b.Blobs, "r", fmt.Sprintf("sha256:%x", sha256.Sum256([]byte("half"))))
	wantError(t, "open half a blob", err, engine.ErrNotFound)
}

func blobRuns(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	var digest string
	for _, run := range []string{"r1", "r2"} {
		var err error
		digest, _, err = b.Blobs.Put(s.patient(t), run, bytes.NewReader([]byte("same")))
		check(t, err)
	}
	_, err := openBlob(t, s, b.Blobs, "r3", digest)
	wantError(t, "open another run's blob", err, engine.ErrNotFound)
	check(t, b.Blobs.Forget(s.patient(t), "r1"))
	_, err = openBlob(t, s, b.Blobs, "r1", digest)
	wantError(t, "open a forgotten run's blob", err, engine.ErrNotFound)
	got, err := openBlob(t, s, b.Blobs, "r2", digest)
	check(t, err)
	if string(got) != "same" {
		t.Errorf("the other run's blob is %q, want same", got)
	}
	check(t, b.Blobs.Forget(s.patient(t), "unknown"))
}

// blobMany puts blobs from many sides, each of them from several at once.
func blobMany(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx := s.patient(t)
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() {
			for n := range 4 {
				want := strings.Repeat(fmt.Sprint("blob ", (i+n)%4), 10_000)
				digest, _, err := b.Blobs.Put(ctx, "r", strings.NewReader(want))
				if err != nil {
					t.Error(err)
					return
				}
				r, err := b.Blobs.Open(ctx, "r", digest)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(r)
				if err = errors.Join(err, r.Close()); err != nil || string(got) != want {
					t.Errorf("opened %d bytes, %v, want the %d that were put", len(got), err, len(want))
				}
			}
		})
	}
	all.Wait()
}
