package wasmhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
	"github.com/graflow/graflow-wasm/wasmhost/internal/egress"
)

// cellGrace is how much longer than its time a call may take in a cell until the
// host ends that. The cell itself ends its guest when the time is over.
const cellGrace = 2 * time.Second

// callIsolated runs one task in a cell. Without an export it only prewarms one.
func (m *Module) callIsolated(ctx context.Context, export string, input []byte, opt Options) (Result, error) {
	c := m.host.cells
	if why := c.quarantined(m.digest); why != "" {
		return Result{}, &TrapError{
			Kind: KindQuarantined, Module: opt.Name, Export: export, Permanent: true,
			Message: "the module is quarantined: " + why, cause: ErrQuarantined,
		}
	}
	v := &visit{id: c.calls.Add(1), module: m, export: export, opt: &opt, input: input, start: time.Now()}
	result, err := v.run(ctx, c)
	result.Ledger.Wall = time.Since(v.start)
	if export != "" {
		m.host.tellCalled(&result.Ledger, err)
	}
	return result, err
}

// visit is the host's side of one call in a cell. What the cell says is the word of
// code that nobody trusts: it is held here to what the call was granted.
type visit struct {
	id     uint64 // of the call
	module *Module
	export string
	opt    *Options
	input  []byte
	start  time.Time
	link   *link

	rules    egress.Rules
	web      *egress.Budget
	followed bool
	failed   error  // of a service, which ends the attempt
	panicked string // likewise: what it said
	said     int64  // bytes of log and prints
	asked    int64  // requests
	changes  int64  // channel_* requests

	files []File
	held  int64 // bytes of them
	image *Image
}

func (v *visit) run(ctx context.Context, c *cells) (Result, error) {
	directories, err := v.openDirectories(ctx, c)
	defer func() { closeFiles(directories) }()
	if err == nil {
		v.rules, err = egress.ParseRules(v.opt.Grants.HTTP, v.opt.Grants.HTTPNetworks)
	}
	if err != nil {
		return Result{}, v.wrap(err)
	}
	v.web = &egress.Budget{Requests: int(v.opt.Limits.HTTPRequests), Bytes: v.opt.Limits.HTTPBytes}
	if follows := v.module.host.config.Probe.Follows; follows != nil {
		v.followed = follows(ctx)
	}
	v.link, err = c.enter(ctx, v.module, v.opt, len(directories) > 0)
	v.start = time.Now() // a cell and its modules are no part of the call
	if err != nil {
		return v.lost(ctx, c, err)
	}
	timed := ctx
	if timeout := v.opt.Limits.Timeout; timeout > 0 {
		var cancel context.CancelFunc
		timed, cancel = context.WithTimeoutCause(ctx, timeout, ErrTimeout)
		defer cancel()
	}
	defer v.watch(timed)()
	if err := v.send(ctx, directories); err != nil {
		return v.lost(timed, c, err)
	}
	f, err := v.attend(timed)
	if err != nil {
		return v.lost(timed, c, err)
	}
	var end cellResult
	if json.Unmarshal(f.Header, &end) != nil {
		return v.lost(timed, c, errProtocol)
	}
	return v.conclude(timed, f.Data, &end)
}

func (v *visit) wrap(err error) error {
	return fmt.Errorf("call module %q export %q: %w", v.opt.Name, v.export, err)
}

// openDirectories opens what the call's mounts show of the machine, in their order.
func (v *visit) openDirectories(ctx context.Context, c *cells) (open []*os.File, err error) {
	for _, m := range v.opt.Grants.Mounts {
		if err := m.check(); err != nil {
			return open, fmt.Errorf("mount %q: %w", m.Guest, err)
		}
		if m.Memory {
			continue
		}
		lent, err := c.lend(ctx, m)
		if err != nil {
			return open, fmt.Errorf("mount %q: open directory for a guest: %w", m.Guest, err)
		}
		open = append(open, lent)
	}
	return open, nil
}

// watch ends the call in time: the cell is told when the call is canceled (of its
// deadlines it knows), and ended a while after. The function that it returns ends the
// watch.
func (v *visit) watch(ctx context.Context) (end func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			// A cell that is stuck may not read; then what follows ends it.
			go func() { _ = v.link.write(frameCancel, cellCancel{Call: v.id, Cause: context.Cause(ctx).Error()}, nil) }()
		}
		timer := time.NewTimer(cellGrace)
		defer timer.Stop()
		select {
		case <-timer.C:
			v.link.kill("it did not end its guest in time")
		case <-done:
		}
	})
	return func() {
		stop()
		close(done)
	}
}

// send sends the call.
func (v *visit) send(ctx context.Context, directories []*os.File) error {
	o := v.opt
	call := cellCall{
		ID: v.id, Digest: v.module.digest, Export: v.export, Name: o.Name, Limits: o.Limits, Timeout: o.Limits.Timeout,
		Grants: o.Grants, Collect: o.Collect, Keep: o.Keep, KeepBytes: o.KeepBytes, Reproducible: o.Reproducible,
		Meta: o.Services.Meta, Offers: v.offers(), Waited: v.waited(),
	}
	call.Grants.HTTPNetworks = nil // the cell only asks whether there is HTTP
	call.Grants.Mounts = slices.Clone(call.Grants.Mounts)
	for i := range call.Grants.Mounts {
		if m := &call.Grants.Mounts[i]; !m.Memory {
			m.Host = ""
		}
	}
	if end, limited := ctx.Deadline(); limited {
		call.Left = max(1, time.Until(end))
	}
	if o.From != nil {
		image, err := o.From.MarshalBinary()
		if err == nil {
			err = v.link.write(frameImage, nil, image)
		}
		if err != nil {
			return err
		}
	}
	for i, m := range o.Grants.Mounts {
		for _, name := range slices.Sorted(maps.Keys(m.Files)) {
			if err := v.link.write(frameFile, cellFile{Mount: i, Name: name}, m.Files[name]); err != nil {
				return err
			}
		}
	}
	return v.link.write(frameCall, call, v.input, directories...)
}

func (v *visit) offers() cellOffers {
	s := &v.opt.Services
	return cellOffers{
		Results: s.Results != nil, Channel: s.Channel != nil, Control: s.Control != nil,
		Secrets: s.Secrets != nil, Tools: s.Tools != nil, Log: s.Log != nil, Progress: s.Progress != nil,
		Stdout: s.Stdout != nil, Stderr: s.Stderr != nil, Waited: s.Waited != nil,
	}
}

func (v *visit) waited() time.Duration {
	if v.opt.Services.Waited == nil {
		return 0
	}
	return v.opt.Services.Waited()
}

// attend serves the cell until it sends the call's result.
func (v *visit) attend(ctx context.Context) (cell.Frame, error) {
	for {
		f, err := v.link.cell.Read()
		if err != nil {
			return f, err
		}
		switch f.Kind {
		case frameResult:
			return f, nil
		case frameRequest:
			err = v.request(ctx, f)
		case frameLog:
			err = v.log(f)
		case frameProgress:
			err = v.progress(f)
		case frameFile:
			err = v.keepFile(f)
		case frameImage:
			v.image = &Image{}
			err = v.image.UnmarshalBinary(f.Data)
		default:
			err = errProtocol
		}
		if err != nil {
			return f, err
		}
	}
}

// keepFile keeps a file that the call collects.
func (v *visit) keepFile(f cell.Frame) error {
	var file cellFile
	if json.Unmarshal(f.Header, &file) != nil || len(v.opt.Collect) == 0 {
		return errProtocol
	}
	v.held += int64(len(f.Data)) + 1
	if v.held > v.opt.Limits.DiskBytes {
		return fmt.Errorf("%w: more files than the call may make", errProtocol)
	}
	v.files = append(v.files, File{Name: file.Name, Data: f.Data})
	return nil
}

// conclude makes of what the cell tells the call's result. The cell is free.
func (v *visit) conclude(ctx context.Context, output []byte, end *cellResult) (Result, error) {
	v.link.leave()
	l := end.Ledger
	l.BytesIn = int64(len(v.input))
	l.HTTPRequests = v.opt.Limits.HTTPRequests - int64(v.web.Requests)
	l.HTTPBytes = v.opt.Limits.HTTPBytes - v.web.Bytes
	v.module.refusal.Store(end.Why)
	if tell := v.module.host.config.Probe.Started; tell != nil && v.export != "" {
		tell(min(end.Source, SourceNew), end.Started)
	}
	r := Result{Files: v.files, Image: v.image, NoImage: end.NoImage, Ledger: l}
	if end.Output {
		if !json.Valid(output) {
			return Result{Ledger: l}, v.trap(KindInvalidOutput, "the output is not JSON", nil)
		}
		r.Output = output
	}
	switch {
	case v.panicked != "":
		return Result{Ledger: l}, v.trap(KindTrap, v.panicked, nil)
	case end.Failure != nil:
		return r, v.failure(ctx, end.Failure)
	}
	return r, nil
}

// lost is the end of a call whose cell is of no use anymore.
func (v *visit) lost(ctx context.Context, c *cells, err error) (Result, error) {
	if v.link == nil { // there is none
		switch {
		case ctx.Err() != nil:
			return Result{}, v.interrupted(ctx)
		case errors.Is(err, cell.ErrClosed):
			return Result{}, ErrClosed
		}
		return Result{}, v.trap(KindCrash, "no cell could be had: "+err.Error(), errors.Join(ErrCrash, err))
	}
	if errors.Is(err, errLoad) { // by the cell's own fault or the module's: no guest has run
		v.link.cell.Kill(err.Error())
		return Result{}, v.trap(KindCrash, err.Error(), errors.Join(ErrCrash, err))
	}
	var death cell.Death
	if errors.Is(err, errProtocol) {
		death = v.link.cell.Kill(err.Error())
	} else {
		death = v.link.cell.Lost()
	}
	if ctx.Err() != nil && !v.running() { // while it was being made ready
		return Result{}, v.interrupted(ctx)
	}
	told := c.died(v.module, v.opt, v.export, death)
	if ctx.Err() != nil { // its time was over, whatever the cell did then
		return Result{}, v.interrupted(ctx)
	}
	return Result{}, v.trap(KindCrash, "the cell of the call died: "+told.How, ErrCrash)
}

// running tells whether the cell has the module, and may run it.
func (v *visit) running() bool {
	has, _ := v.link.cell.Value.(resident)
	return has[v.module.digest]
}
