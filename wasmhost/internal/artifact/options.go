package artifact

import (
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Options are what of a wazero runtime's configuration goes into the code or
// into what is valid. They are the same in the child and in the runtime that
// loads its code.
type Options struct {
	// Features are what modules may use. 0: api.CoreFeaturesV2.
	Features api.CoreFeatures
	// CloseOnContextDone compiles wazero's own checks of the context into loops.
	CloseOnContextDone bool
	// MemoryLimitPages is the largest memory, in 64 KiB. 0: wazero's 65536.
	MemoryLimitPages uint32
	// NoDebugInfo leaves DWARF unread: traces lack source lines, and code of a
	// module with DWARF loads much faster.
	NoDebugInfo bool
}

func (o Options) withDefaults() Options {
	if o.Features == 0 {
		o.Features = api.CoreFeaturesV2
	}
	if o.MemoryLimitPages == 0 {
		o.MemoryLimitPages = 65536
	}
	return o
}

func (o Options) runtimeConfig(cache wazero.CompilationCache) wazero.RuntimeConfig {
	return wazero.NewRuntimeConfig().
		WithCoreFeatures(o.Features).
		WithCloseOnContextDone(o.CloseOnContextDone).
		WithMemoryLimitPages(o.MemoryLimitPages).
		WithDebugInfoEnabled(!o.NoDebugInfo).
		WithCompilationCache(cache)
}
