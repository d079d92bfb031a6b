package control

import (
	"context"
	"encoding/json"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// Memory keeps what a listing tells of runs that have ended, so that it need not
// read all of their journals each time. What it loses is made anew.
type Memory interface {
	// Load returns what was stored of a run, else nil.
	Load(run string) []byte
	// Store replaces it, whole or not at all.
	Store(run string, summary []byte)
}

// rememberedVersion changes with what a Summary means.
const rememberedVersion = 1

// remembered is a summary with the last event of the journal that it was made of.
type remembered struct {
	Version int       `json:"version"`
	Seq     uint64    `json:"seq"`
	Time    time.Time `json:"time"`
	Summary Summary   `json:"summary"`
}

// remember keeps the summary of a run that has ended.
func (d *Desk) remember(h *engine.History, s Summary) {
	if d.Memory == nil || h.Ended.IsZero() {
		return
	}
	last := h.Events[len(h.Events)-1]
	if raw, err := json.Marshal(remembered{rememberedVersion, last.Seq, last.Time, s}); err == nil {
		d.Memory.Store(h.Run, raw)
	}
}

// recall is the summary of a run that has ended, if nothing was added to its journal
// since, as a retry does.
func (d *Desk) recall(ctx context.Context, run string) (s Summary, ok bool) {
	if d.Memory == nil {
		return s, false
	}
	var r remembered
	if err := json.Unmarshal(d.Memory.Load(run), &r); err != nil || r.Version != rememberedVersion || r.Seq == 0 || r.Summary.Run != run {
		return s, false
	}
	since, err := d.Journal.Read(ctx, run, r.Seq-1)
	if err != nil || len(since) != 1 || since[0].Seq != r.Seq || !since[0].Time.Equal(r.Time) {
		return s, false
	}
	return r.Summary, true
}
