package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/receipt"
	"github.com/spf13/cobra"
)

// verifying is a receipt, and what was found to verify it with.
type verifying struct {
	o     *verifyOptions
	p     *receipt.Predicate
	v     *verification
	graph *engine.Graph // nil: it is not known
	input json.RawMessage
	code  codeByDigest
	in    io.Reader
}

// materials finds the flow, the modules and the input, and compares them with the
// receipt.
func (c *verifying) materials(ctx context.Context) error {
	if err := c.findInput(); err != nil {
		return err
	}
	given, err := c.givenModules(ctx)
	if err != nil {
		return err
	}
	if err := c.findGraph(ctx); err != nil {
		return err
	}
	return c.findModules(given)
}

// findInput is the input that the receipt carries, or that is given.
func (c *verifying) findInput() error {
	c.input = c.p.Input.Value
	if c.o.input == "" && len(c.o.set) == 0 && c.input != nil {
		return nil
	}
	input, err := inputOf(c.in, c.o.input, c.o.set)
	if err != nil {
		return err
	}
	digest, err := receipt.Digest(input)
	if err != nil {
		return usage(err)
	}
	if c.input = input; digest == c.p.Input.Digest {
		return nil
	}
	if c.o.input == "" && len(c.o.set) == 0 {
		c.miss("input", "give it with --input or --set")
		return nil
	}
	c.differ(receipt.DiffInput, "", c.p.Input.Digest, digest)
	return nil
}

func (c *verifying) miss(activation, what string) {
	if c.v.Missing == nil {
		c.v.Missing = map[string]string{}
	}
	c.v.Missing[activation] = what
}

func (c *verifying) differ(what, task, recorded, came string) {
	c.v.Differences = append(c.v.Differences, receipt.Difference{What: what, Task: task, Recorded: recorded, Came: came})
}

// givenModules reads those of --module; their digests, by how they are called.
func (c *verifying) givenModules(ctx context.Context) (map[string]string, error) {
	given := map[string]string{}
	for _, name := range c.o.modules {
		local, err := fetched(ctx, name, c.o.cacheDir, c.o.reach)
		if err != nil {
			return nil, failed("verify: --module "+name, err)
		}
		path, _, _ := strings.Cut(local, "#")
		code, err := fileCode(ctx, path, c.o.cacheDir)
		if err != nil {
			return nil, usagef("verify: --module %s: %w", name, err)
		}
		given[name] = c.code.add(code)
	}
	return given, nil
}

// findGraph is the graph that the receipt carries, or that of --flow, with digests in
// place of its modules.
func (c *verifying) findGraph(ctx context.Context) error {
	if c.o.flow == "" {
		return c.carriedGraph()
	}
	local, err := fetched(ctx, c.o.flow, c.o.cacheDir, c.o.reach)
	if err != nil {
		return failed("verify: --flow "+c.o.flow, err)
	}
	t, err := resolve(local, newSandboxFlags(&cobra.Command{}), false)
	if err != nil {
		return err
	}
	if t.flow == nil { // whose limits and grants were on the command line, and are carried
		return c.bareTarget(ctx, t.graph)
	}
	found, err := c.asRun(ctx, t.graph)
	if err != nil {
		return usagef("verify: --flow %s: %w", c.o.flow, err)
	}
	if found.Digest() != c.p.Flow.Digest {
		c.otherFlow(found)
		return nil
	}
	c.graph = found
	return nil
}

// asRun is the graph of a flow as it was run: with the clock and the randomness that
// run --receipt gives, or as it is.
func (c *verifying) asRun(ctx context.Context, flow *engine.Graph) (*engine.Graph, error) {
	load := func(module string) (string, error) { return c.load(ctx, module) }
	var seed uint64 // of no consequence where no task draws
	if c.p.Seed != nil {
		seed = *c.p.Seed
	}
	seeded, err := receipt.Seeded(flow, seed)
	if err == nil {
		seeded, err = receipt.Pinned(seeded, load)
	}
	if err != nil || seeded.Digest() == c.p.Flow.Digest {
		return seeded, err
	}
	plain, err := receipt.Pinned(flow, load)
	if err == nil && plain.Digest() != c.p.Flow.Digest {
		return seeded, nil
	}
	return plain, err
}

// bareTarget takes what a module or code has to say: whether it is what ran.
func (c *verifying) bareTarget(ctx context.Context, g *engine.Graph) error {
	if err := c.carriedGraph(); err != nil || c.graph == nil {
		return err
	}
	pinned, err := receipt.Pinned(g, func(module string) (string, error) { return c.load(ctx, module) })
	if err != nil {
		return usagef("verify: --flow %s: %w", c.o.flow, err)
	}
	was, now := c.graph.Spec().Tasks[0], pinned.Spec().Tasks[0]
	if was.Handler != now.Handler || was.Handler == "script" && string(was.Spec) != string(now.Spec) {
		recorded, err := receipt.Digest(was.Spec)
		if err != nil {
			return err
		}
		came, err := receipt.Digest(now.Spec)
		c.differ(receipt.DiffFlow, was.ID, recorded, came)
		return err
	}
	if recorded, came := receipt.Modules(c.graph)[was.ID], receipt.Modules(pinned)[now.ID]; recorded != came {
		c.differ(receipt.DiffModule, was.ID, recorded, came)
	}
	return nil
}

func (c *verifying) carriedGraph() error {
	if c.p.Flow.Graph == nil {
		c.miss("flow", "give it with --flow; the receipt has its digest, "+c.p.Flow.Digest)
		return nil
	}
	g, err := receipt.ParseGraph(c.p.Flow.Graph)
	if err != nil {
		return fmt.Errorf("%w: its flow: %w", receipt.ErrMalformed, err)
	}
	if got := g.Digest(); got != c.p.Flow.Digest {
		c.differ(receipt.DiffFlow, "", c.p.Flow.Digest, got)
		return nil
	}
	c.graph = g
	return nil
}

// otherFlow tells in what a flow is another than that of the receipt: in its modules, if
// that is so.
func (c *verifying) otherFlow(g *engine.Graph) {
	recorded := map[string][]string{}
	for _, t := range c.p.Tasks {
		if t.Handler == "wasm" {
			recorded[t.ID] = append(recorded[t.ID], t.Module)
		}
	}
	now := receipt.Modules(g)
	found := false
	for _, at := range slices.Sorted(maps.Keys(now)) {
		id := at[strings.LastIndexByte(at, '/')+1:]
		if was := recorded[id]; len(was) > 0 && !slices.Contains(was, now[at]) {
			c.differ(receipt.DiffModule, at, was[0], now[at])
			found = true
		}
	}
	if !found {
		c.differ(receipt.DiffFlow, "", c.p.Flow.Digest, g.Digest())
	}
}

// load is the digest of a module that a flow names, whose code is known then. A name of a
// registry stands for what it stood for, as the receipt tells.
func (c *verifying) load(ctx context.Context, module string) (string, error) {
	if isRegistered(module) {
		return c.registered(module)
	}
	code, err := fileCode(ctx, module, c.o.cacheDir)
	if err != nil {
		return "", err
	}
	return c.code.add(code), nil
}

func (c *verifying) registered(module string) (string, error) {
	if wasm.FormOf(module) == wasm.FormDigest {
		return module, nil
	}
	for _, t := range c.p.Tasks {
		if t.Name == module && t.Module != "" {
			return t.Module, nil
		}
	}
	return "", fmt.Errorf("it is the name of a registry, and the receipt does not tell which module it stood for: %w", wasm.ErrNoModule)
}

// findModules looks for the code of what is to be repeated. If one is not there, those
// given that nothing has run are told: they are others than ran.
func (c *verifying) findModules(given map[string]string) error {
	needed, wanting := map[string]bool{}, []receipt.Task{}
	for _, t := range c.p.Tasks {
		if t.Handler != "wasm" || !t.Reproducible {
			continue
		}
		if !needed[t.Module] && c.code[t.Module] == nil && !c.cached(t.Module) {
			wanting = append(wanting, t)
		}
		needed[t.Module] = true
	}
	for _, t := range wanting {
		other := false
		for _, name := range slices.Sorted(maps.Keys(given)) {
			if digest := given[name]; !needed[digest] {
				c.differ(receipt.DiffModule, t.ID, t.Module, digest)
				other = true
			}
		}
		if !other && len(c.v.Differences) == 0 {
			c.miss(t.ID, "its module, "+t.Module+": give it with --module")
		}
	}
	return nil
}

// cached looks for a module among those that were fetched from registries.
func (c *verifying) cached(digest string) bool {
	dir, err := cacheDirectory(c.o.cacheDir)
	if err != nil {
		return false
	}
	files, _ := filepath.Glob(filepath.Join(dir, "oci", strings.TrimPrefix(digest, "sha256:"), "*.wasm"))
	for _, file := range files {
		if code, err := os.ReadFile(file); err == nil && c.code.add(code) == digest {
			return true
		}
	}
	return false
}

// codeByDigest is the code of modules.
type codeByDigest map[string][]byte

func (c codeByDigest) add(code []byte) (digest string) {
	sum := sha256.Sum256(code)
	digest = "sha256:" + hex.EncodeToString(sum[:])
	c[digest] = code
	return digest
}
