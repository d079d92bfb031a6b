package cluster

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/natsbus"
)

// flows are documents named NAME@VERSION. That which was stored last is meant by the
// name alone.
type flows Cluster

var _ ops.Flows = (*flows)(nil)

const flowKind = "flow"

// Validate implements ops.Flows.
func (f *flows) Validate(ctx context.Context, source string) (*engine.Graph, error) {
	t, err := parse(source)
	if err != nil {
		return nil, err
	}
	return t.graph, t.fault(fault(f.engine.Check(ctx, t.graph)))
}

// Put implements ops.Flows.
func (f *flows) Put(ctx context.Context, source, by string) (ops.Flow, error) {
	if len(source) > maxFlow {
		return ops.Flow{}, invalid("the flow", "", fmt.Sprintf("it has %d bytes, at most %d are kept", len(source), maxFlow))
	}
	g, err := f.Validate(ctx, source)
	if err != nil {
		return ops.Flow{}, err
	}
	sum := sha256.Sum256([]byte(source))
	flow := ops.Flow{
		Name: g.Name(), Version: hex.EncodeToString(sum[:6]), Stored: time.Now().UTC(), By: by,
		About: g.Spec().Description, Tasks: len(g.Spec().Tasks), Source: source,
	}
	if strings.Contains(flow.Name, "@") {
		return ops.Flow{}, invalid("the flow", "name", "a name with @ in it could not be told from one with a version")
	}
	return flow, f.put(ctx, flow)
}

// maxFlow is how large the text of a flow that is kept may be, in bytes: what is
// around it fits too, escaped at worst.
const maxFlow = natsbus.DocumentBytes / 6

// put stores a version, over itself if it is there: it is the last one then.
func (f *flows) put(ctx context.Context, flow ops.Flow) error {
	data, err := json.Marshal(flow)
	if err != nil {
		return err
	}
	name := flow.Name + "@" + flow.Version
	for {
		there, err := f.bus.Document(ctx, flowKind, name)
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			return fault(err)
		}
		_, err = f.bus.PutDocument(ctx, flowKind, name, data, there.Rev)
		if !errors.Is(err, natsbus.ErrStale) { // else somebody stores the same text
			return fault(err)
		}
	}
}

// List implements ops.Flows.
func (f *flows) List(ctx context.Context) ([]ops.Flow, error) {
	all, err := f.versions(ctx, func(string, string) bool { return true })
	if err != nil {
		return nil, err
	}
	latest := map[string]ops.Flow{}
	for _, v := range all {
		v.Source = ""
		latest[v.Name] = v.Flow
	}
	list := make([]ops.Flow, 0, len(latest))
	for _, v := range latest {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b ops.Flow) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// version is a flow that is kept, at a revision.
type version struct {
	ops.Flow

	rev uint64
}

// versions are those that are wanted, in the order in which they were stored.
func (f *flows) versions(ctx context.Context, wanted func(name, version string) bool) ([]version, error) {
	docs, err := f.bus.Documents(ctx, flowKind)
	if err != nil {
		return nil, fault(err)
	}
	var all []version
	for _, d := range docs {
		name, number, _ := strings.Cut(d.Name, "@")
		if !wanted(name, number) {
			continue
		}
		v := version{rev: d.Rev}
		if err := json.Unmarshal(d.Data, &v.Flow); err != nil {
			return nil, fmt.Errorf("flow %q: %w: %w", d.Name, engine.ErrUnreadable, err)
		}
		all = append(all, v)
	}
	return all, nil
}

// meant are the versions that a reference means, NAME or NAME@VERSION, in the order in
// which they were stored.
func (f *flows) meant(ctx context.Context, ref string) ([]version, error) {
	name, number, exact := strings.Cut(ref, "@")
	all, err := f.versions(ctx, func(n, v string) bool { return n == name && (!exact || v == number) })
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("flow %q: %w; store it first", ref, engine.ErrNotFound)
	}
	return all, err
}

// Show implements ops.Flows.
func (f *flows) Show(ctx context.Context, ref string) (ops.Flow, error) {
	all, err := f.meant(ctx, ref)
	if err != nil {
		return ops.Flow{}, err
	}
	return all[len(all)-1].Flow, nil
}

// Remove implements ops.Flows.
func (f *flows) Remove(ctx context.Context, ref string) error {
	all, err := f.meant(ctx, ref)
	for _, v := range all {
		if gone := f.bus.RemoveDocument(ctx, flowKind, v.Name+"@"+v.Version, v.rev); gone != nil && !errors.Is(gone, engine.ErrNotFound) {
			err = errors.Join(err, fault(gone))
		}
	}
	return err
}
