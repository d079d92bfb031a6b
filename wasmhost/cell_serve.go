package wasmhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
)

// inmate is a cell, seen from inside: a host that runs one call at a time for the
// process that started it.
type inmate struct {
	conn    *cell.Conn
	host    *Host
	modules map[string]*Module

	files map[int]map[string][]byte // of the call to come, by mount
	image *Image                    // that it begins with
	call  *proxy                    // that runs, or did last

	source Source        // of the sandbox of the call that runs
	waited time.Duration // for it
}

// serveCell serves the host at the other end until that is gone.
func serveCell(conn *cell.Conn) error {
	n := &inmate{conn: conn, modules: map[string]*Module{}, files: map[int]map[string][]byte{}}
	for {
		f, err := conn.Read()
		if err != nil {
			return err
		}
		if err := n.handle(f); err != nil {
			return err
		}
	}
}

func (n *inmate) handle(f cell.Frame) error {
	if f.Kind != frameCall { // whose directories are closed when it ends
		defer closeFiles(f.Files)
	}
	switch f.Kind {
	case frameHello:
		return n.open(f.Header)
	case frameModule:
		return n.load(f)
	case frameFile:
		var file cellFile
		if err := json.Unmarshal(f.Header, &file); err != nil {
			return err
		}
		if n.files[file.Mount] == nil {
			n.files[file.Mount] = map[string][]byte{}
		}
		n.files[file.Mount][file.Name] = f.Data
		return nil
	case frameImage:
		n.image = &Image{}
		return n.image.UnmarshalBinary(f.Data)
	case frameCall:
		return n.begin(f)
	case frameCancel:
		var cancel cellCancel
		if err := json.Unmarshal(f.Header, &cancel); err != nil || n.call == nil {
			return err
		}
		if cancel.Call == n.call.id { // it may have ended meanwhile
			n.call.cancel(errors.New(cancel.Cause))
		}
		return nil
	case frameAnswer:
		if n.call == nil {
			return errors.New("an answer that nobody asked for")
		}
		n.call.answers <- f
		return nil
	}
	return fmt.Errorf("frame of kind %d", f.Kind)
}

// open makes the cell's host.
func (n *inmate) open(header []byte) (err error) {
	var hello cellHello
	if err := json.Unmarshal(header, &hello); err != nil {
		return err
	}
	n.host, err = New(context.Background(), Config{
		MaxModuleBytes: hello.MaxModuleBytes, MemoryBytes: hello.MemoryBytes, IdleBytes: hello.IdleBytes,
		Portable: hello.Portable,
		Probe:    Probe{Started: func(from Source, took time.Duration) { n.source, n.waited = from, took }},
	})
	return err
}

// load takes a module and its code.
func (n *inmate) load(f cell.Frame) error {
	var module cellModule
	if err := json.Unmarshal(f.Header, &module); err != nil {
		return err
	}
	var ready cellReady
	if len(f.Files) != 1 || n.host == nil {
		return errors.New("a module without code, or before the hello")
	}
	m, err := n.host.take(module, f.Data, f.Files[0])
	if err != nil {
		ready.Error = err.Error()
	} else {
		n.modules[m.digest] = m
	}
	return n.write(frameReady, ready, nil)
}

// take is Compile in a cell: the host has admitted the module, and made its code.
func (h *Host) take(module cellModule, metered []byte, code *os.File) (m *Module, err error) {
	m = &Module{host: h, digest: module.Digest, key: module.Digest}
	m.note(module.Admission)
	if m.compiled, err = h.compiler.Take(h.runtime, module.Code, code, metered); err != nil {
		return nil, err
	}
	c := &compilation{done: make(chan struct{}), module: m}
	close(c.done)
	h.mu.Lock()
	h.modules[m.key] = c
	h.mu.Unlock()
	return m, nil
}

func (n *inmate) write(kind byte, header any, data []byte) error {
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	return n.conn.Write(kind, text, data)
}

// begin begins a call. The one before has ended: the host has its result.
func (n *inmate) begin(f cell.Frame) error {
	var call cellCall
	if err := json.Unmarshal(f.Header, &call); err != nil {
		return err
	}
	m := n.modules[call.Digest]
	if m == nil {
		return fmt.Errorf("a call of module %s, which is not here", call.Digest)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	began := time.Now()
	ctx, end := limited(ctx, &call, began)
	n.call = &proxy{id: call.ID, inmate: n, ended: ctx.Done(), cancel: cancel, answers: make(chan cell.Frame, 1)}
	n.call.waited.Store(int64(call.Waited))
	opt, err := n.options(&call, f.Files, n.call)
	if err != nil {
		end()
		return err
	}
	opt.began = began
	go func() {
		defer cancel(nil)
		defer end()
		defer closeFiles(f.Files)
		if err := n.finish(n.run(ctx, m, &call, f.Data, opt)); err != nil {
			fmt.Fprintln(os.Stderr, "tell how the call has ended:", err)
			os.Exit(1) // the host waits for it in vain
		}
	}()
	return nil
}

// limited has a context end when the time of a call is over.
func limited(ctx context.Context, call *cellCall, began time.Time) (context.Context, context.CancelFunc) {
	end := func() {}
	if call.Left > 0 {
		ctx, end = context.WithTimeout(ctx, call.Left)
	}
	if call.Timeout == 0 {
		return ctx, end
	}
	ctx, sooner := context.WithDeadlineCause(ctx, began.Add(call.Timeout), ErrTimeout)
	return ctx, func() { sooner(); end() }
}

// options are the call's, with services that ask the host.
func (n *inmate) options(call *cellCall, directories []*os.File, p *proxy) (Options, error) {
	opt := Options{
		Name: call.Name, Limits: call.Limits, Grants: call.Grants, Collect: call.Collect, From: n.image,
		Keep: call.Keep, KeepBytes: call.KeepBytes, Reproducible: call.Reproducible, Services: p.services(call),
	}
	opt.Limits.Timeout = call.Timeout
	for i := range opt.Grants.Mounts {
		m := &opt.Grants.Mounts[i]
		if m.Memory {
			m.Files = n.files[i]
			continue
		}
		if len(directories) == 0 {
			return opt, errors.New("a mount without its directory")
		}
		m.Host = fmt.Sprintf("/proc/self/fd/%d", directories[0].Fd())
		directories = directories[1:]
	}
	n.image, n.files = nil, map[int]map[string][]byte{}
	return opt, nil
}

// run runs the call, and says what to tell of it.
func (n *inmate) run(ctx context.Context, m *Module, call *cellCall, input []byte, opt Options) (Result, cellResult) {
	n.source, n.waited = SourceNew, 0
	var r Result
	var err error
	if call.Export == "" {
		err = m.Prewarm(ctx, 1, opt)
	} else {
		r, err = m.call(ctx, call.Export, input, opt)
	}
	end := cellResult{
		Ledger: r.Ledger, NoImage: r.NoImage, Output: r.Output != nil, Source: n.source, Started: n.waited, Why: m.whyNot(),
	}
	if err != nil {
		end.Failure = failureOf(err)
	}
	return r, end
}

// finish sends what a call gave.
func (n *inmate) finish(r Result, end cellResult) error {
	for _, file := range r.Files {
		if err := n.write(frameFile, cellFile{Name: file.Name}, file.Data); err != nil {
			return err
		}
	}
	if r.Image != nil {
		image, err := r.Image.MarshalBinary()
		if err == nil {
			err = n.write(frameImage, nil, image)
		}
		if err != nil {
			return err
		}
	}
	return n.write(frameResult, end, r.Output)
}
