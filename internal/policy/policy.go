package policy

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/handlers/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Isolation says which modules run in cells, processes of their own.
type Isolation string

// Isolations, from the least to the most.
const (
	Inproc   Isolation = "inproc"   // no module
	Unsigned Isolation = "unsigned" // those that no trusted key has signed
	Process  Isolation = "process"  // all, interpreters included
)

// Tenants says which modules may follow one another in a cell.
type Tenants string

// Kinds of tenants.
const (
	ByModule    Tenants = "module"    // a cell has one module
	ByPublisher Tenants = "publisher" // modules that one trusted key has signed share cells
)

// Key is a public key of Ed25519.
type Key ed25519.PublicKey

// KeyPrefix begins the text of a key; its bytes in base64 follow.
const KeyPrefix = "ed25519:"

func (k Key) String() string { return KeyPrefix + base64.RawStdEncoding.EncodeToString(k) }

// MarshalText implements encoding.TextMarshaler.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Cells are bounds of cells. A zero field is the default of wasmhost.
type Cells struct {
	Max     int           // alive at once
	Idle    int           // of them waiting for a call
	IdleFor time.Duration // how long they wait
	Calls   int           // that one serves
	Modules int           // that one serves
	Age     time.Duration // of one
	Memory  int64         // bytes of address space beside the program's own
	Kills   int           // cells that a module may kill until it is quarantined
}

// DefaultKills is how many cells a module kills until it is quarantined.
const DefaultKills = 3

// Policy is what an operator allows. It is not changed.
type Policy struct {
	File      string // that it was read from; "": none
	Isolation Isolation
	// Said tells that somebody has said so: a default may give way where a system has
	// no cells.
	Said    bool
	Keys    []Key
	Tenants Tenants
	Cells   Cells
	// Limits are the most that a task may have. A zero field sets no maximum.
	Limits wasmhost.Limits
	// Grants are the most that a task may be granted; nil: what it asks for.
	Grants *wasmhost.Grants
	// Spawn is the most that a task may list in grants.spawn; nil: what it lists.
	Spawn []string
	// DenySecretOutput refuses allow_secret_output.
	DenySecretOutput bool
	// Docker is the policy of tasks in containers as that handler has it, JSON; nil:
	// the file has none.
	Docker json.RawMessage

	places places // of the file
}

// Own is the policy of a process that runs its user's own work.
func Own() *Policy {
	return &Policy{Isolation: Inproc, Tenants: ByModule, Cells: Cells{Kills: DefaultKills}}
}

// Node is the policy of a process that runs what others submit: nothing of the
// machine, and no address beyond the public internet.
func Node() *Policy {
	p := Own()
	p.Isolation, p.Grants = Unsigned, nodeGrants()
	return p
}

// all stands for every name in a list of a policy.
const all = "*"

// everyHost matches all hosts on all ports.
const everyHost = "*:*"

func nodeGrants() *wasmhost.Grants {
	return &wasmhost.Grants{
		Env: map[string]string{all: ""}, Config: map[string]string{all: ""},
		HTTP: []string{everyHost}, Secrets: []string{all}, Tools: []string{all},
	}
}

// Bounds tells whether the policy bounds what tasks are granted.
func (p *Policy) Bounds() bool { return p.Grants != nil }

// isolations are in the order of how much they isolate.
var isolations = []Isolation{Inproc, Unsigned, Process}

// Isolated is the policy with at least so much isolation, which somebody asks for.
func (p *Policy) Isolated(least Isolation) *Policy {
	same := *p
	if slices.Index(isolations, least) >= slices.Index(isolations, p.Isolation) {
		same.Isolation, same.Said = least, true
	}
	return &same
}

// Uncelled is the policy where a system has no cells and nobody has said that there
// are to be some.
func (p *Policy) Uncelled() *Policy {
	same := *p
	same.Isolation = Inproc
	return &same
}

// Grant is what is granted of what somebody asks for, or an error that names every
// fault, and says whose decision it is.
func (p *Policy) Grant(asked wasmhost.Grants) (wasmhost.Grants, error) {
	granted, err := asked.Within(p.Grants)
	return granted, script.Explained(err, p.Explain)
}

// Trusts tells whether a key is one of the policy's.
func (p *Policy) Trusts(k Key) bool {
	return slices.ContainsFunc(p.Keys, func(one Key) bool { return slices.Equal(one, k) })
}
