package wasmhost

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
)

var (
	// ErrImageMismatch is returned by Call for an Options.From of another module,
	// of options of another shape (see docs/sandbox.md), or of another snapshot: then
	// the module was initialized otherwise, which Options.Reproducible prevents.
	ErrImageMismatch = errors.New("the image does not fit")
	// ErrNoImage is returned by Call for an Options.From or Keep that its module
	// can't be called with; the error says why.
	ErrNoImage = errors.New("the module has no images")
)

// Image is the state in which a call has left its guest, for later calls to begin
// with: what differs from the snapshot that it began with. Nobody can change it but
// UnmarshalBinary; it is otherwise safe for concurrent use, so several calls may
// begin with one image. It refers to no host and needs no closing. What it holds
// does not count against Config.MemoryBytes: see Size.
type Image struct {
	base    baseline
	clock   uint64   // ns that the guest has seen go by
	globals []uint64 // the guest's own
	delta   linmem.Delta
}

// baseline is what an image differs from.
type baseline struct {
	module [sha256.Size]byte // digest of its bytes
	shape  [sha256.Size]byte
	state  [sha256.Size]byte // of memory and globals
}

// mostClock keeps sums with an image's clock from overflowing.
const mostClock = math.MaxInt64 / 4

// Size returns the bytes that the image takes: what is different, be it of few
// pages or of many.
func (i *Image) Size() int64 {
	return int64(len(i.delta.Patches())) + 8*int64(len(i.globals)) + int64(imageHeader)
}

// Memory returns the bytes of linear memory of a call that begins with it.
func (i *Image) Memory() int64 { return i.delta.Size() }

// Pages returns how many pages of 4 KiB differ from the snapshot.
func (i *Image) Pages() int { return i.delta.Pages() }

// Module returns the digest of the module that it is of: "sha256:…".
func (i *Image) Module() string { return fmt.Sprintf("sha256:%x", i.base.module) }

// identify says what the images of a pool differ from. s is one of its sandboxes.
func (p *pool) identify(s *sandbox) baseline {
	p.identity.Do(func() {
		p.base = baseline{shape: sha256.Sum256([]byte(p.shape))}
		_, _ = hex.Decode(p.base.module[:], []byte(strings.TrimPrefix(p.module.digest, "sha256:"))) // our own encoding
		state := make([]byte, 0, sha256.Size+8*len(p.globals))
		if s.memory != nil {
			sum := s.memory.SnapshotDigest()
			state = append(state, sum[:]...)
		}
		for _, g := range p.globals {
			state = binary.LittleEndian.AppendUint64(state, g)
		}
		p.base.state = sha256.Sum256(state)
	})
	return p.base
}

// fits wants an image to be of what a pool begins with.
func (i *Image) fits(p *pool, s *sandbox) error {
	want := p.identify(s)
	switch {
	case i.base.module != want.module:
		return fmt.Errorf("%w: it is of module %s, not of %s", ErrImageMismatch, short(i.Module()), short(p.module.digest))
	case i.base.shape != want.shape:
		return fmt.Errorf("%w: it is of another name, environment, mount points, clock or randomness", ErrImageMismatch)
	case i.base.state != want.state:
		return fmt.Errorf("%w: the module was initialized to another state; Options.Reproducible has it come to the same", ErrImageMismatch)
	case len(i.globals) != len(s.globals):
		return fmt.Errorf("%w: it has %d globals, not %d", ErrImageMismatch, len(i.globals), len(s.globals))
	case i.delta.Size() < p.bytes || s.memory == nil && i.delta.Size() > 0:
		return fmt.Errorf("%w: it has a memory of %d bytes, the snapshot one of %d", ErrImageMismatch, i.delta.Size(), p.bytes)
	}
	return nil
}
