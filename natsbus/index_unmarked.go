package natsbus

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
)

// maxUnmarked bounds the runs without an entry that one list tells of, and reads.
const maxUnmarked = 256

// unmarked are the runs, of those whose logs are there, that the index does not know:
// they have begun just now, or nobody has come yet to drive them. Those that began last
// are first; of a name that can't be read now the flow is "".
func (b *Bus) unmarked(ctx context.Context, runs []string, marks map[string]indexed) ([]engine.Mark, error) {
	var wants []wanted
	var names []string
	for _, run := range runs {
		if _, ok := marks[run]; !ok && len(wants) < maxUnmarked {
			wants = append(wants, wanted{Last: b.runPrefix(run) + leafStart})
			names = append(names, run)
		}
	}
	if len(wants) == 0 {
		return nil, nil
	}
	found, err := b.pick(ctx, streamRuns, wants)
	if err != nil {
		return nil, err
	}
	var all []engine.Mark
	for i, e := range found {
		if e != nil { // else it was removed meanwhile, or has not come to this replica
			all = append(all, engine.Mark{Run: names[i], Flow: b.flowOf(ctx, names[i], e), Status: engine.StatusRunning, Started: e.time, Seq: e.seq})
		}
	}
	slices.SortFunc(all, func(x, y engine.Mark) int { return y.Started.Compare(x.Started) })
	return all, nil
}

// flowOf is the name in the graph with which a run began; "" if it can't be read.
func (b *Bus) flowOf(ctx context.Context, run string, start *kept) string {
	j := &Journal{bus: b, blobs: newBlobs(b)}
	e, err := j.decode(ctx, run, &entry{seq: start.seq, data: start.data, blob: start.header.Get(headerBlob)})
	if err != nil || e.Basis == nil {
		return ""
	}
	raw, err := j.large(ctx, run, e.Basis.Graph)
	if err != nil {
		return ""
	}
	var graph struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(raw, &graph); err != nil {
		return ""
	}
	return graph.Name
}
