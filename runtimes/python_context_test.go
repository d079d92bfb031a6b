package runtimes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// flow is a run that notes what it is asked.
type flow struct {
	values map[string]string
	notes  []string
}

func (f *flow) note(format string, args ...any) error {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
	return nil
}

func (f *flow) Get(_ context.Context, key string) (json.RawMessage, error) {
	if value, ok := f.values[key]; ok {
		return json.RawMessage(value), nil
	}
	return nil, abi.NotFound
}

func (f *flow) Keys(_ context.Context, prefix string) ([]string, error) {
	return []string{prefix + "1"}, nil
}

func (f *flow) Apply(_ context.Context, op wasmhost.ChannelOp) error {
	if op.Key == "wrong" {
		return abi.Invalid
	}
	return f.note("%s %s=%s", op.Kind, op.Key, op.Value)
}

func (f *flow) Result(ctx context.Context, id string) (json.RawMessage, error) {
	return f.Get(ctx, "result of "+id)
}

func (f *flow) Secret(_ context.Context, name string) ([]byte, error) {
	return []byte("pw-" + name), nil
}

func (f *flow) NextTask(_ context.Context, n abi.NextTask) error {
	return f.note("next %s %s %s %s goto=%v", n.ID, n.Handler, n.Spec, n.Input, n.Goto)
}

func (f *flow) NextIteration(_ context.Context, d json.RawMessage) error {
	return f.note("again %s", d)
}

func (f *flow) Terminate(_ context.Context, m string) error { return f.note("terminate %s", m) }

func (f *flow) Cancel(_ context.Context, m string) error { return f.note("cancel %s", m) }

func (f *flow) Checkpoint(_ context.Context, name string, m json.RawMessage) error {
	return f.note("checkpoint %s %s", name, m)
}

func (f *flow) Pause(_ context.Context, p abi.Pause) (json.RawMessage, error) {
	f.notes = append(f.notes, fmt.Sprintf("pause %s %s %s %s", p.Name, p.Message, p.Schema, p.Default))
	return json.RawMessage(`{"ok":true}`), nil
}

func (f *flow) options() wasmhost.Options {
	return wasmhost.Options{
		Services: wasmhost.Services{Results: f, Channel: f, Control: f, Secrets: f, Progress: func(done, total float64, note string) {
			_ = f.note("progress %g %g %s", done, total, note)
		}},
		Grants: wasmhost.Grants{Secrets: []string{"db"}},
	}
}

func TestPythonContext(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ code, want, notes string }{
		"channel":       {"c = ctx.channel\n[c.get('a'), c.get('b'), c.get('b', 5), c.keys('k')]", `[[1],null,5,["k1"]]`, ""},
		"changes":       {"c = ctx.channel\nc.set('a', {'x': b'a'})\nc.append('l', 1)\nc.prepend('l', 0)\nc.add('n', 2)\nc.add('n')\nc.delete('a')", "null", `set a={"x":{"$bytes":"YQ=="}} append l=1 prepend l=0 add n=2 add n=1 delete a=`},
		"wrong type":    {"import graflow\ntry:\n    ctx.channel.append('wrong', 1)\nexcept graflow.HostError as e:\n    result = [e.kind, str(e)]", `["invalid","channel append 'wrong': the host refuses a value of this form or type"]`, ""},
		"result":        {"ctx.result('load')", `"loaded"`, ""},
		"no result":     {"import graflow\ntry:\n    graflow.result('x')\nexcept graflow.HostError as e:\n    result = e.kind", `"not_found"`, ""},
		"next task":     {"ctx.next_task('a')\nctx.next_task('b', handler='wasm', spec='#x', input={'n': 1}, goto=True)\nctx.next_task('c', input=None)", "null", `next a    goto=false next b wasm "#x" {"n":1} goto=true next c   null goto=false`},
		"iteration":     {"ctx.next_iteration()\nctx.next_iteration([1])", "null", "again  again [1]"},
		"ends":          {"ctx.terminate('done')\nctx.cancel('stop')", "null", "terminate done cancel stop"},
		"checkpoint":    {"ctx.checkpoint()\nctx.checkpoint({'a': 1}, name='n')", "null", `checkpoint   checkpoint n {"a":1}`},
		"pause":         {"ctx.pause('ok', message='Go?', schema={'type': 'boolean'}, timeout='1h', default=False)", `{"ok":true}`, `pause ok Go? {"type":"boolean"} false`},
		"progress":      {"ctx.progress(1, 4, 'x')\nctx.progress(2)", "null", "progress 1 4 x progress 2 0 "},
		"secret":        {"import graflow\ntry:\n    ctx.secret('other')\nexcept graflow.HostError as e:\n    result = [ctx.secret('db'), e.kind]", `["pw-db","denied"]`, ""},
		"http refused":  {"import graflow\ntry:\n    ctx.http('GET', 'https://example.com')\nexcept graflow.HostError as e:\n    result = e.kind", `"denied"`, ""},
		"urlopen":       {"import urllib.request, urllib.error\ntry:\n    urllib.request.urlopen('https://example.com')\nexcept urllib.error.URLError as e:\n    result = str(e)", `"<urlopen error denied: https://example.com: not granted to this code>"`, ""},
		"unpaired text": {"ctx.cancel('x')\nimport graflow\ngraflow.ctx is ctx and graflow.input is input", "true", "cancel x"},
		"meta":          {"[ctx.run, ctx.task, ctx.activation, ctx.attempt, ctx.max_attempts, ctx.cycle, ctx.can_iterate]", `["r","t","t#1",2,3,4,true]`, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &flow{values: map[string]string{"a": "[1]", "result of load": `"loaded"`}}
			meta := &abi.Meta{Run: "r", Task: "t", Activation: "t#1", Attempt: 2, MaxAttempts: 3, Cycle: 4, CanIterate: true}
			got, _, err := call(t, document{Code: test.code, Meta: meta}, f.options())
			if err != nil {
				t.Fatal(err)
			}
			wantValue(t, got, test.want)
			if notes := strings.Join(f.notes, " "); notes != test.notes {
				t.Errorf("asked %s\nwant  %s", notes, test.notes)
			}
		})
	}
}
