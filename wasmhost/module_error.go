package wasmhost

import (
	"errors"
	"fmt"
)

// ModuleError says why a module can't be run.
type ModuleError struct {
	Digest  string // of the bytes, "sha256:…"
	Offset  int64  // in bytes, where reading stopped; 0 when it is about the whole
	Section string // the section it is about, or ""
	Reason  string
}

// Error reads `wasm module sha256:0123456789ab: section "code" at offset 71: truncated…`.
func (e *ModuleError) Error() string {
	where := ""
	switch {
	case e.Section != "":
		where = fmt.Sprintf("section %q at offset %d: ", e.Section, e.Offset)
	case e.Offset > 0:
		where = fmt.Sprintf("offset %d: ", e.Offset)
	}
	return fmt.Sprintf("wasm module %s: %s%s", short(e.Digest), where, e.Reason)
}

// short cuts a digest to what tells modules apart by eye.
func short(digest string) string {
	const length = len("sha256:") + 12
	return digest[:min(len(digest), length)]
}

func withDigest(err error, digest string) error {
	var bad *ModuleError
	if errors.As(err, &bad) {
		bad.Digest = digest
	}
	return err
}
