package wasmhost_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// plainCall is a task in wazero as it is: no meter, no snapshot, wazero's own
// WASI, and the least of graflow_v1 that the examples' guests need.
type plainCall struct {
	services      *embedder
	input, reply  []byte
	output        []byte
	logs          []string
	kind, message string
}

func (c *plainCall) respond(v any, err error) int64 {
	var code abi.Code
	if errors.As(err, &code) {
		return int64(code)
	}
	c.reply, _ = json.Marshal(v)
	return int64(len(c.reply))
}

// answer serves a call; text is what each pair of its arguments points to.
func (c *plainCall) answer(ctx context.Context, name string, text []string) int64 {
	switch name {
	case abi.FuncInputLen:
		return int64(len(c.input))
	case abi.FuncOutputWrite:
		c.output = append(c.output, text[0]...)
		return int64(len(text[0]))
	case abi.FuncFail:
		c.kind, c.message = text[0], text[1]
	case abi.FuncLog:
		c.logs = append(c.logs, text[0])
	case abi.FuncMeta:
		return c.respond(exampleMeta, nil)
	case abi.FuncChannelGet:
		v, err := c.services.Get(ctx, text[0])
		return c.respond(v, err)
	case abi.FuncChannelAppend:
		_ = c.services.Apply(ctx, wasmhost.ChannelOp{Kind: "append", Key: text[0], Value: json.RawMessage(text[1])})
	case abi.FuncNextTask:
		var next abi.NextTask
		_ = json.Unmarshal([]byte(text[0]), &next)
		_ = c.services.NextTask(ctx, next)
	case abi.FuncNextIteration:
		_ = c.services.NextIteration(ctx, json.RawMessage(text[0]))
	case abi.FuncTerminate:
		_ = c.services.Terminate(ctx, text[0])
	case abi.FuncCancel:
		_ = c.services.Cancel(ctx, text[0])
	default:
		panic("the examples did not need " + name)
	}
	return 0
}

var exampleMeta = &abi.Meta{Run: "r", Task: "t", Attempt: 1, Cycle: 3, MaxCycles: 9, CanIterate: true}

// serve makes a host function of one import of the guest.
func (c *plainCall) serve(f api.FunctionDefinition) api.GoModuleFunc {
	_, name, _ := f.Import()
	return func(ctx context.Context, mod api.Module, args []uint64) {
		at := 0
		if name == abi.FuncLog {
			at = 1
		}
		var text []string
		for ; at+1 < len(args) && at+1 < len(f.ParamTypes()); at += 2 {
			b, _ := mod.Memory().Read(uint32(args[at]), uint32(args[at+1]))
			text = append(text, string(b))
		}
		switch name {
		case abi.FuncInputRead:
			args[0] = uint64(copy(view(mod, args), c.input))
		case abi.FuncReplyRead:
			args[0] = uint64(copy(view(mod, args), c.reply))
		default:
			answer := c.answer(ctx, name, text)
			if len(f.ResultTypes()) > 0 {
				args[0] = uint64(answer)
			}
		}
	}
}

func view(mod api.Module, args []uint64) []byte {
	b, _ := mod.Memory().Read(uint32(args[0]), uint32(args[1]))
	return b
}

// run runs a task of a guest.
func (c *plainCall) run(t *testing.T, cache wazero.CompilationCache, wasm []byte, export string, mounts []wasmhost.Mount) uint64 {
	t.Helper()
	ctx := t.Context()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(cache))
	defer func() { _ = r.Close(context.WithoutCancel(ctx)) }()
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	compiled, err := r.CompileModule(ctx, wasm)
	if err != nil {
		t.Fatal(err)
	}
	b := r.NewHostModuleBuilder(abi.Module)
	for _, f := range compiled.ImportedFunctions() {
		if module, name, _ := f.Import(); module == abi.Module {
			b.NewFunctionBuilder().WithGoModuleFunction(c.serve(f), f.ParamTypes(), f.ResultTypes()).Export(name)
		}
	}
	if _, err := b.Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	files := wazero.NewFSConfig()
	for _, m := range mounts {
		files = files.WithDirMount(m.Host, m.Guest)
	}
	mod, err := r.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithFSConfig(files).WithStartFunctions("_initialize"))
	if err != nil {
		t.Fatal(err)
	}
	status, err := mod.ExportedFunction(export).Call(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return status[0]
}

// picture writes an image that is not uniform.
func picture(t *testing.T, path string, width, height int) {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		img.Set(i%width, i/width, color.NRGBA{R: uint8(i), G: uint8(i / 7), B: uint8(i * i), A: 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestExamplesAsUnmetered runs the tasks of the examples' guests in this host and
// in wazero as it is: what they answer, write, log and ask for must be the same.
func TestExamplesAsUnmetered(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir := func(name string) string {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	docs, pictures := dir("docs"), dir("pictures")
	if err := os.CopyFS(filepath.Join(docs), os.DirFS("../docs")); err != nil {
		t.Fatal(err)
	}
	picture(t, filepath.Join(pictures, "a.png"), 320, 200)
	picture(t, filepath.Join(pictures, "b.png"), 33, 90)
	text, err := os.ReadFile("../RATIONALE.md")
	if err != nil {
		t.Fatal(err)
	}
	corpus, err := json.Marshal(map[string]any{"documents": []string{"RATIONALE.md"}, "text": string(text)})
	if err != nil {
		t.Fatal(err)
	}
	thumb := `{"source":"/in/a.png","thumb":"/out/thumbs/a.png.jpg","width":160,"height":100,"bytes":1}`
	for guest, calls := range map[string][]struct{ task, input string }{
		"01-hello":     {{"hello", `{}`}, {"hello", `{"name":"Wörld \ud83d\ude00"}`}, {"hello", `{"name":7}`}},
		"02-textstats": {{"load", `{}`}, {"load", `{"dir":"/none"}`}, {"words", string(corpus)}, {"sentences", string(corpus)}, {"links", string(corpus)}, {"split", `[{"name":"a","text":" x\r\ny "}]`}, {"report", `{}`}},
		"03-thumbnails": {
			{"list", `{}`},
			{"resize", `"/in/a.png"`},
			{"resize", `{"path":"/in/b.png","width":20}`},
			{"resize", `"/in/none.png"`},
			{"sheet", `[` + thumb + `]`},
			{"sheet", `{"items":[` + thumb + `]}`},
		},
		"04-dynamic": {
			{"agent", ``},
			{"tool", ``},
			{"refine", `{"n":2}`},
			{"refine", `{"n":1e300,"x":3}`},
			{"refine", `{"n":-1}`},
			{"cache", `{"cached":true,"value":[1]}`},
			{"cache", `{}`},
			{"validate", `{"n":1}`},
			{"validate", `{"n":"x"}`},
		},
		"05-handlers": {{"mean", `{"values":[1,2,3.5,1e308,1e308]}`}, {"mean", `{}`}},
	} {
		t.Run(guest, func(t *testing.T) {
			t.Parallel()
			wasm := guestBytes(t, func() ([]byte, error) { return buildFrom("../examples/"+guest+"/guest", guest, "-buildmode=c-shared") })
			module := compile(t, wasm)
			cache := wazero.NewCompilationCache()
			defer func() { _ = cache.Close(t.Context()) }()
			for i, c := range calls {
				compareWithPlain(t, module, cache, wasm, c.task, c.input, func(which string) []wasmhost.Mount {
					return []wasmhost.Mount{
						{Host: docs, Guest: "/docs"},
						{Host: pictures, Guest: "/in"},
						{Host: dir(fmt.Sprint(guest, which, i)), Guest: "/out", Writable: true},
					}
				})
			}
		})
	}
}

func compareWithPlain(t *testing.T, m *wasmhost.Module, cache wazero.CompilationCache, wasm []byte, task, input string, mounts func(string) []wasmhost.Mount) {
	t.Helper()
	plain := &plainCall{services: &embedder{values: map[string]json.RawMessage{}}, input: []byte(input)}
	if input == "" {
		plain.input = []byte("null")
	}
	plainMounts, ourMounts := mounts("plain"), mounts("ours")
	status := plain.run(t, cache, wasm, task, plainMounts)

	e, opt := withServices()
	var logs []string
	opt.Services.Meta = exampleMeta
	opt.Services.Log = func(_ slog.Level, line string) { logs = append(logs, line) }
	opt.Grants.Mounts = ourMounts
	r, err := m.Call(t.Context(), task, []byte(input), opt)
	var failure *wasmhost.TrapError
	switch {
	case errors.As(err, &failure):
		if status == 0 || failure.Kind != plain.kind || failure.Message != plain.message {
			t.Errorf("%s %.60s: got %v, unmetered %d %s: %s", task, input, err, status, plain.kind, plain.message)
		}
	case err != nil:
		t.Fatal(err)
	case status != 0 || string(r.Output) != string(plain.output):
		t.Errorf("%s %.60s: got %.300s, unmetered %d %.300s %s", task, input, r.Output, status, plain.output, plain.message)
	}
	if !slices.Equal(logs, plain.logs) || !slices.Equal(e.calls, plain.services.calls) || fmt.Sprint(e.values) != fmt.Sprint(plain.services.values) {
		t.Errorf("%s %.60s: got %q %q %s, unmetered %q %q %s", task, input, logs, e.calls, e.values, plain.logs, plain.services.calls, plain.services.values)
	}
	if got, want := tree(t, ourMounts[2].Host), tree(t, plainMounts[2].Host); !slices.Equal(got, want) {
		t.Errorf("%s %.60s: wrote other files: got %.300q, unmetered %.300q", task, input, got, want)
	}
}

// tree is all files of a directory with their content.
func tree(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files = append(files, name+": "+string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
