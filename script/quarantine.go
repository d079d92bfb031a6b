package script

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// Quarantine keeps account of code that killed the cells it ran in. What is hostile
// there is the code, not the interpreter that all code has in common. Both methods are
// called concurrently.
type Quarantine interface {
	// Why tells why the code with a digest, see [Digest], is not to be run; "" that it
	// may.
	Why(digest string) string
	// Died is told that a cell died of the code, and of the error of that run.
	Died(digest string, err error)
}

// Digest is that of a source text: "sha256:…".
func Digest(code string) string {
	sum := sha256.Sum256([]byte(code))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// quarantined is the error of code that is not to be run; nil if it may.
func (r *run) quarantined(code string) error {
	q := r.sandbox.config.Quarantine
	if q == nil {
		return nil
	}
	if why := q.Why(Digest(code)); why != "" {
		return r.failure(Error{Kind: wasmhost.KindQuarantined, Message: "the code is quarantined: " + why, Permanent: true})
	}
	return nil
}

// account notes code that has killed its cell.
func (r *run) account(code string, err error) {
	if q := r.sandbox.config.Quarantine; q != nil && errors.Is(err, wasmhost.ErrCrash) {
		q.Died(Digest(code), err)
	}
}
