package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"

	"github.com/graflow/graflow-wasm/engine"
	scripts "github.com/graflow/graflow-wasm/handlers/script"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/internal/policy"
	"github.com/graflow/graflow-wasm/internal/quarantine"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// bounds hold hosts, handlers and sandboxes of a process to its policy.
type bounds struct {
	policy     *policy.Policy
	wall       *policy.Wall
	quarantine *quarantine.Store // nil: no account is kept
	log        *slog.Logger
}

// newBounds are those of a policy, nil being that of one's own process. worker is the
// process's name in accounts.
func newBounds(p *policy.Policy, signers policy.Signers, file, worker string) (*bounds, error) {
	if p == nil {
		p = policy.Own()
	}
	b := &bounds{policy: p, wall: policy.NewWall(p, signers, nil), log: slog.Default()}
	err := b.checkCells()
	if err != nil || file == "" {
		return b, err
	}
	b.quarantine, err = quarantine.Open(quarantine.Config{File: file, Kills: p.Cells.Kills, Worker: workerName(worker)})
	if err != nil {
		return nil, fmt.Errorf("open the quarantine: %w; or name another file with --quarantine-file", err)
	}
	return b, nil
}

// own are the bounds of what a user runs on this machine. The section for containers
// becomes the policy of those, which may be nil.
func (p *policyFlags) own(containers *dockerFlags) (*bounds, error) {
	in, err := p.read(policy.Own(), containers)
	if err != nil {
		return nil, err
	}
	b, err := newBounds(in, nil, p.quarantine.path(), "")
	return b, usage(err)
}

// checkCells wants this system to have the cells that its policy needs. A default gives
// way where there are none, and says so.
func (b *bounds) checkCells() error {
	if b.policy.Isolation == policy.Inproc {
		return nil
	}
	err := wasmhost.CellsError()
	switch {
	case err == nil:
		return nil
	case b.policy.Said:
		return usagef("isolation: %s is asked for, and this system can't have it: %w", b.policy.Isolation, err)
	}
	b.log.Warn("unsigned modules are to run in processes of their own, which this system can't have: they run in this process", "err", err, "do", "write isolation: inproc into a --policy to say that this is as you want it")
	b.policy = b.policy.Uncelled()
	b.wall = policy.NewWall(b.policy, nil, nil)
	return nil
}

// host adds what is the host's. Without bounds it adds nothing, as the others.
func (b *bounds) host(c *wasmhost.Config) {
	if b == nil {
		return
	}
	cells := b.policy.Cells
	c.Isolate = b.wall.Isolate
	c.Cells = wasmhost.CellConfig{
		Max: cells.Max, Idle: cells.Idle, IdleFor: cells.IdleFor, Calls: cells.Calls, Modules: cells.Modules, Age: cells.Age, Memory: cells.Memory,
		Kills: cells.Kills,
	}
	if b.quarantine != nil {
		c.Cells.Kills = -1 // the account knows of other processes, too
		c.Cells.Quarantined, c.Cells.Died = b.why, b.died
	}
}

// why tells why a module is not to be run. An interpreter has done nothing but run
// code, which is accounted for instead.
func (b *bounds) why(digest string) string {
	if b.wall.IsOwn(digest) {
		return ""
	}
	return b.quarantine.Why(digest)
}

func (b *bounds) died(d wasmhost.CellDeath) {
	if b.wall.IsOwn(d.Digest) {
		return
	}
	b.note(d.Digest, quarantine.KindModule, quarantine.Report{
		Time: d.Time, How: d.How, Stderr: d.Stderr, Name: d.Module, Export: d.Export, Tenant: d.Tenant,
	})
}

func (b *bounds) note(digest, kind string, r quarantine.Report) {
	entry, err := b.quarantine.Died(digest, kind, r)
	switch {
	case err != nil:
		b.log.Error("note what killed a cell", "digest", digest, "err", err)
	case entry.Refused():
		b.log.Error("quarantined: it is not run any more", "digest", digest, "kind", kind, "kills", entry.Kills, "do", "graflow-wasm module quarantine show "+digest)
	}
}

// crashed adds to an account of which run and task that was.
func (b *bounds) crashed(call *engine.Call, digest string) {
	if b.quarantine == nil || b.wall.IsOwn(digest) {
		return
	}
	if err := b.quarantine.Note(digest, call.Run, call.Task.ID); err != nil {
		b.log.Error("note which task killed a cell", "digest", digest, "err", err)
	}
}

// modules adds what is the handler's of modules.
func (b *bounds) modules(c *wasm.Config) {
	if b == nil {
		return
	}
	p := b.policy
	c.Limits, c.Grants, c.Spawn, c.DenySecretOutput = p.Limits, p.Grants, p.Spawn, p.DenySecretOutput
	c.Explain, c.Tenant, c.Crashed = p.Explain, b.wall.Tenant, b.crashed
}

// scripts adds what is the handler's of code.
func (b *bounds) scripts(c *scripts.Config) {
	if b == nil {
		return
	}
	p := b.policy
	c.Limits, c.Grants, c.Spawn, c.DenySecretOutput = p.Limits, p.Grants, p.Spawn, p.DenySecretOutput
	c.Explain, c.Crashed = p.Explain, b.crashed
}

// sandbox adds what is a sandbox's. Its limits are cut down to the policy's.
func (b *bounds) sandbox(c *script.Config) {
	if b == nil {
		return
	}
	c.Most = c.Most.Within(b.policy.Limits)
	c.Own = b.wall.Own
	if b.quarantine != nil {
		c.Quarantine = codeQuarantine{b}
	}
}

// codeQuarantine keeps account of code.
type codeQuarantine struct{ *bounds }

var _ script.Quarantine = codeQuarantine{}

// Why implements script.Quarantine.
func (q codeQuarantine) Why(digest string) string { return q.quarantine.Why(digest) }

// Died implements script.Quarantine.
func (q codeQuarantine) Died(digest string, err error) {
	q.note(digest, quarantine.KindCode, quarantine.Report{How: err.Error()})
}

// registrySigners tells who signed modules of a cluster's registry.
func registrySigners(bus *natsbus.Bus) policy.Signers {
	return func(ctx context.Context, digest string) ([]policy.Key, error) {
		all, err := bus.Modules(ctx) // one digest may have several records
		if err != nil && !errors.Is(err, natsbus.ErrTampered) {
			return nil, err
		}
		var keys []policy.Key
		for _, r := range all {
			if r.Digest == digest && len(r.SignerKey) == ed25519.PublicKeySize && cluster.IsSigned(digest, r.SignerKey, r.Signature) {
				keys = append(keys, policy.Key(r.SignerKey))
			}
		}
		return keys, nil
	}
}
