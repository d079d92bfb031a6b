package artifact

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

// Key names the source of what is compiled, for the cache.
type Key struct {
	Module [sha256.Size]byte // of the module as it was before any rewriting
	Meter  string            // version of the rewriter, "" if none ran
}

// identity is the digest of everything that decides what native code a module
// becomes and what may execute it. It names the entry in the cache.
type identity [sha256.Size]byte

func (id identity) String() string { return hex.EncodeToString(id[:]) }

// identify digests the key, the bytes that are compiled, and the engine.
func identify(key Key, wasm []byte, engine string, o Options) identity {
	sum := sha256.Sum256(wasm)
	h := sha256.New()
	for _, part := range []string{
		"graflow artifact 1",
		string(key.Module[:]), key.Meter, string(sum[:]),
		engine, runtime.GOOS, runtime.GOARCH,
		fmt.Sprintf("%d %t %d %t", o.Features, o.CloseOnContextDone, o.MemoryLimitPages, o.NoDebugInfo),
	} {
		// With lengths, so that no two lists of parts digest the same bytes.
		_ = binary.Write(h, binary.BigEndian, uint64(len(part)))
		h.Write([]byte(part))
	}
	return identity(h.Sum(nil))
}

// wazeroVersion tells one wazero from another. Without a version (tests and
// replaced modules have none) it tells this executable from others, so that code
// of another wazero isn't taken for that of this one.
func wazeroVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "github.com/tetratelabs/wazero" && dep.Replace == nil && dep.Sum != "" {
				return dep.Version + " " + dep.Sum
			}
		}
	}
	exe, err := os.Executable()
	if err != nil {
		return "dev"
	}
	st, err := os.Stat(exe)
	if err != nil {
		return "dev"
	}
	return fmt.Sprintf("dev %d %d", st.Size(), st.ModTime().UnixNano())
}
