package wasip1

import (
	"context"
	cryptorand "crypto/rand"
	"math/rand/v2"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
)

// Random is where a guest's random bytes come from. The zero value is secure.
type Random struct {
	Kind RandomKind
	Seed [32]byte // of SeededRandom
}

// RandomKind says how random bytes are made.
type RandomKind uint8

const (
	// SecureRandom is the machine's source for secrets.
	SecureRandom RandomKind = iota
	// SeededRandom is ChaCha8 from Random.Seed: the same bytes for the same seed.
	SeededRandom
)

// randomChunk is how much is drawn between two looks at the context, in bytes.
const randomChunk = 256 << 10

func (s *State) randomGet(ctx context.Context, g guest) guestfs.Errno {
	b, errno := g.buffer(0)
	if errno != guestfs.OK {
		return errno
	}
	for len(b) > 0 {
		checkInterrupt(ctx)
		chunk := b[:min(len(b), randomChunk)]
		s.fillRandom(chunk)
		b = b[len(chunk):]
	}
	return guestfs.OK
}

// fillRandom can't fail: crypto/rand ends the process where the machine has no
// randomness, and ChaCha8 has no end.
func (s *State) fillRandom(b []byte) {
	if s.config.Random.Kind == SecureRandom {
		_, _ = cryptorand.Read(b)
		return
	}
	if s.seeded == nil {
		s.seeded = rand.NewChaCha8(s.config.Random.Seed)
	}
	_, _ = s.seeded.Read(b)
}
