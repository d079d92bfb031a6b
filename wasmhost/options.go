package wasmhost

import "time"

// Defaults of Limits.
const (
	DefaultMemory      = 256 << 20
	DefaultOutputBytes = 16 << 20
	DefaultLogBytes    = 1 << 20
)

// Options are what one call is run with. The zero value is usable.
type Options struct {
	Name     string // the module's name in messages and its argv[0]; empty: its short digest
	Limits   Limits
	Grants   Grants
	Services Services
}

// Limits bound one call. A zero field means its default.
type Limits struct {
	// Timeout bounds the call, instantiation included. 0: only the context does.
	Timeout time.Duration `json:"-"`
	// Memory is the largest linear memory in bytes. 0: 256 MiB.
	Memory int64 `json:"memory,omitempty"`
	// OutputBytes is the largest output; a guest that writes more is stopped. 0: 16 MiB.
	OutputBytes int64 `json:"output_bytes,omitempty"`
	// LogBytes is the most that is logged; the rest is dropped with one notice. 0: 1 MiB.
	LogBytes int64 `json:"log_bytes,omitempty"`
}

func (l Limits) withDefaults() Limits {
	if l.Memory <= 0 {
		l.Memory = DefaultMemory
	}
	if l.OutputBytes <= 0 {
		l.OutputBytes = DefaultOutputBytes
	}
	if l.LogBytes <= 0 {
		l.LogBytes = DefaultLogBytes
	}
	return l
}

// Grants say what a guest may touch. The zero value grants channel and control
// (as far as Services offer them) and nothing of the machine.
type Grants struct {
	Mounts []Mount `json:"mounts,omitempty"`
	// Env is the whole environment of the guest.
	Env map[string]string `json:"env,omitempty"`
	// Channel grants the channel_* calls. nil: granted.
	Channel *bool `json:"channel,omitempty"`
	// Control grants next_task, next_iteration, terminate, cancel, pause and
	// checkpoint. nil: granted.
	Control *bool `json:"control,omitempty"`
}

// Mount shows a directory of the host to the guest. Links that lead out of it
// are not followed, and the guest can't make links.
type Mount struct {
	Host     string `json:"host"`
	Guest    string `json:"guest"` // an absolute path, such as "/data"
	Writable bool   `json:"writable,omitempty"`
}

// allows reports whether a capability is granted.
func (g Grants) allows(capability string) bool {
	switch capability {
	case CapabilityChannel:
		return g.Channel == nil || *g.Channel
	case CapabilityControl:
		return g.Control == nil || *g.Control
	case CapabilitySecrets, CapabilityHTTP, CapabilityTools:
		return false
	}
	return true
}
