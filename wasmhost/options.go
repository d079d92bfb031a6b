package wasmhost

import (
	"math"
	"time"
)

// Defaults of Limits.
const (
	DefaultMemory        = 256 << 20
	DefaultStack         = 8 << 20
	DefaultTableElements = 1_000_000
	DefaultOutputBytes   = 16 << 20
	DefaultLogBytes      = 1 << 20
	DefaultOpenFiles     = 64
	DefaultDiskBytes     = 64 << 20
	DefaultHTTPRequests  = 100
	DefaultHTTPBytes     = 16 << 20
	DefaultChannelOps    = 100_000
	DefaultKeepBytes     = 64 << 20 // Options.KeepBytes
)

// Options are what one call is run with. The zero value is usable.
type Options struct {
	Name string // the module's name in messages and its argv[0]; empty: its short digest
	// Tenant is whose call it is, if its module is isolated: a cell serves one tenant.
	// "": the module is the tenant.
	Tenant   string
	Limits   Limits
	Grants   Grants
	Services Services
	// Collect lists patterns of the files that Result.Files is to hold, by their
	// guest paths: "/out/**", "/out/*.csv". "*" is any run of characters and "?" any
	// one within a name, "**" as a whole name any number of directories. Only mounts
	// in memory are searched.
	Collect []string
	// From is the state that the call begins with, instead of its module's
	// initialized one. It is of the same module and shape; see Image. nil: none.
	From *Image
	// Keep makes an image of what the call leaves: Result.Image. One of more than
	// KeepBytes is not made. 0: 64 MiB.
	Keep      bool
	KeepBytes int64
	// Reproducible has the module initialized with a virtual clock and seeded
	// randomness, whatever Grants say for the call itself, so that all hosts come to
	// the same state and images of it fit everywhere. What the guest draws at random
	// then is known to everybody, such as the seeds of its hash tables.
	Reproducible bool

	began time.Time // when the call did, in a cell; zero: when Call is called
}

// Limits bound one call. A zero field means its default.
type Limits struct {
	// Fuel is how many instructions may be charged (see docs/security.md for
	// what an instruction costs); the same call takes the same fuel on every
	// machine. 0: no limit.
	Fuel int64 `json:"fuel,omitempty"`
	// Timeout bounds the call, instantiation included. 0: only the context does.
	Timeout time.Duration `json:"-"`
	// Memory is the largest linear memory in bytes, a page less than 4 GiB at most.
	// 0: 256 MiB.
	Memory int64 `json:"memory,omitempty"`
	// Stack bounds recursion: the bytes that the frames of nested calls may
	// take, as estimated from their locals and operands. 0: 8 MiB.
	Stack int64 `json:"stack,omitempty"`
	// TableElements is the most that all tables may hold. 0: 1 000 000.
	TableElements int64 `json:"table_elements,omitempty"`
	// OutputBytes is the largest output; a guest that writes more is stopped. 0: 16 MiB.
	OutputBytes int64 `json:"output_bytes,omitempty"`
	// LogBytes is the most that is logged, and printed to Services.Stdout and
	// Stderr; the rest is dropped with one notice. 0: 1 MiB.
	LogBytes int64 `json:"log_bytes,omitempty"`
	// OpenFiles is how many files may be open at once, mounts aside. 0: 64.
	OpenFiles int64 `json:"open_files,omitempty"`
	// DiskBytes is what the call may add to its mounts and hold in trees in
	// memory; every new file counts 4 KiB beside its content. 0: 64 MiB.
	DiskBytes int64 `json:"disk_bytes,omitempty"`
	// HostCalls is how many functions of the host may be called. 0: no limit.
	HostCalls int64 `json:"host_calls,omitempty"`
	// HTTPRequests is how many requests may be sent, redirects included. 0: 100.
	HTTPRequests int64 `json:"http_requests,omitempty"`
	// HTTPBytes bounds all requests and responses together. 0: 16 MiB.
	HTTPBytes int64 `json:"http_bytes,omitempty"`
	// ChannelOps is how many channel_* calls may be made. 0: 100 000.
	ChannelOps int64 `json:"channel_ops,omitempty"`
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		field     *int64
		byDefault int64
	}{
		{&l.Fuel, math.MaxInt64},
		{&l.Memory, DefaultMemory},
		{&l.Stack, DefaultStack},
		{&l.TableElements, DefaultTableElements},
		{&l.OutputBytes, DefaultOutputBytes},
		{&l.LogBytes, DefaultLogBytes},
		{&l.OpenFiles, DefaultOpenFiles},
		{&l.DiskBytes, DefaultDiskBytes},
		{&l.HostCalls, math.MaxInt64},
		{&l.HTTPRequests, DefaultHTTPRequests},
		{&l.HTTPBytes, DefaultHTTPBytes},
		{&l.ChannelOps, DefaultChannelOps},
	} {
		if *d.field <= 0 {
			*d.field = d.byDefault
		}
	}
	l.Memory = min(l.Memory, mostMemory)
	return l
}

// Clocks a guest may be given.
const (
	ClockReal    = "real"    // the machine's
	ClockCoarse  = "coarse"  // the machine's, in steps of a millisecond
	ClockVirtual = "virtual" // starts at Grants.Start, goes on with fuel; sleeping takes no time
)

// Sources of randomness a guest may be given.
const (
	RandomSecure = "secure" // the machine's
	RandomSeeded = "seeded" // a stream that Grants.Seed determines
)

// Grants say what a guest may touch. The zero value grants channel and control
// (as far as Services offer them), a real clock and secure randomness, and
// nothing of the machine.
type Grants struct {
	Mounts []Mount `json:"mounts,omitempty"`
	// Env is the whole environment of the guest.
	Env map[string]string `json:"env,omitempty"`
	// HTTP lists the hosts that requests may go to: "example.com" (https, and
	// http on its usual port), "example.com:8443", "http://example.com",
	// "*.example.com", "*". Every redirect is held to it.
	HTTP []string `json:"http,omitempty"`
	// HTTPNetworks lists networks beyond the public internet that those hosts
	// may be in, as "127.0.0.0/8". Without it private addresses are denied.
	HTTPNetworks []string `json:"http_networks,omitempty"`
	// Secrets lists the secrets that may be read from Services.Secrets.
	Secrets []string `json:"secrets,omitempty"`
	// Tools lists the tools of Services.Tools that may be called; "*" is all.
	Tools []string `json:"tools,omitempty"`
	// Config is what an Extism plug-in finds as its configuration.
	Config map[string]string `json:"config,omitempty"`
	// Clock is ClockReal, ClockCoarse or ClockVirtual. "": real.
	Clock string `json:"clock,omitempty"`
	// Start is when a virtual clock starts, in the years 1970 to 2261; other clocks
	// ignore it. The task finds it when it begins; initialization does not. The zero
	// time: 2026-01-01 00:00:00 UTC and what initialization took.
	Start time.Time `json:"start,omitzero"`
	// Random is RandomSecure or RandomSeeded. "": secure.
	Random string `json:"random,omitempty"`
	// Seed determines a seeded Random.
	Seed uint64 `json:"seed,omitempty"`
	// Channel grants the channel_* calls. nil: granted.
	Channel *bool `json:"channel,omitempty"`
	// Control grants next_task, next_iteration, terminate, cancel, pause and
	// checkpoint. nil: granted.
	Control *bool `json:"control,omitempty"`
}

// Mount shows a directory to the guest: one of the host, or with Memory one that
// lasts as long as the call. Links that lead out of it are not followed, and the
// guest can't make links.
type Mount struct {
	Host     string `json:"host,omitempty"`
	Guest    string `json:"guest"` // an absolute path, such as "/data"
	Writable bool   `json:"writable,omitempty"`
	Memory   bool   `json:"memory,omitempty"` // in memory; always writable
	// Files are what a directory in memory holds at first, by slash-separated paths
	// relative to it, as "data/in.csv"; directories on the way are made. They count
	// against Limits.DiskBytes. The content is not copied until the guest writes to
	// it, and must not change during the call.
	Files map[string][]byte `json:"-"`
}

// allows reports whether a capability is granted.
func (g Grants) allows(capability string) bool {
	switch capability {
	case CapabilityChannel:
		return g.Channel == nil || *g.Channel
	case CapabilityControl:
		return g.Control == nil || *g.Control
	case CapabilitySecrets:
		return len(g.Secrets) > 0
	case CapabilityHTTP:
		return len(g.HTTP) > 0
	case CapabilityTools:
		return len(g.Tools) > 0
	}
	return true
}
