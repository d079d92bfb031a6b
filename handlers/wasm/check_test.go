package wasm_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// check runs Check and looks for text in its error; none wanted is no error.
func check(t *testing.T, h *wasm.Handler, task engine.Task, want ...string) {
	t.Helper()
	task.ID, task.Handler = "t", "wasm"
	err := h.Check(t.Context(), &task)
	if len(want) == 0 {
		if err != nil {
			t.Errorf("%s %s %s: got %v, want no error", task.Spec, task.Limits, task.Grants, err)
		}
		return
	}
	if err == nil {
		t.Errorf("%s %s %s: got no error, want %q", task.Spec, task.Limits, task.Grants, want)
		return
	}
	for _, w := range append(want, `task "t"`) {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("got %q, want %q in it", err, w)
		}
	}
}

func TestCheckModules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, err := os.ReadFile(guest(t))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "guest.wasm"), string(data))
	write(t, filepath.Join(dir, "cut.wasm"), string(data[:len(data)/2]))
	write(t, filepath.Join(dir, "text.wasm"), "hello")
	write(t, filepath.Join(dir, "component.wasm"), "\x00asm\x0d\x00\x01\x00")
	write(t, filepath.Join(dir, "docs", "README"), "no source")
	h := newHandler(t, wasm.Config{Dir: dir})
	for spec, want := range map[string][]string{
		`"guest.wasm#echo"`:                       nil,
		`{"module":"guest.wasm","export":"echo"}`: nil,
		`"./guest.wasm#echo"`:                     nil,
		`"guest.wasm#ehco"`:                       {`module "guest.wasm" export "ehco": no such export, did you mean "echo"?`, `"alloc", "count"`},
		`"guest.wasm#zzz"`:                        {`no such export: there are "alloc"`},
		`"guest.wasm"`:                            {`the module has several tasks, name one as "guest.wasm#alloc"`},
		`"gest.wasm#echo"`:                        {`module "gest.wasm" export "echo": no such file: ` + filepath.Join(dir, "gest.wasm"), `("gest.wasm" relative to ` + dir + `)`, `did you mean "guest.wasm"?`},
		`"guest#echo"`:                            {`did you mean "guest.wasm"?`},
		`"no/where.wasm#echo"`:                    {"the directory " + filepath.Join(dir, "no") + " does not exist either"},
		`"cut.wasm#echo"`:                         {"truncated"},
		`"text.wasm#echo"`:                        {"not WebAssembly"},
		`"component.wasm#echo"`:                   {"component-model binary"},
		`"docs#echo"`:                             {"holds no Go source"},
		`"#echo"`:                                 {"the spec names no module"},
		``:                                        {"the spec names no module"},
		`3`:                                       {"spec: want an object"},
		`{"module":"guest.wasm","exprot":"echo"}`:   {`spec: unknown key "exprot", did you mean "export"?: known are "module", "export"`},
		`{"module":["guest.wasm"],"export":"echo"}`: {`spec.module: got ["guest.wasm"], want a string`},
	} {
		check(t, h, engine.Task{Spec: json.RawMessage(spec)}, want...)
	}
}

func TestCheckOptions(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{})
	spec := marshal(t, guest(t)+"#noop")
	for limits, want := range map[string][]string{
		`null`: nil,
		`{"memory":"64MiB","output_bytes":1000,"log_bytes":"1e3B","timeout":"2s"}`:                                  nil,
		`{"fuel":1e9,"table_elements":1000,"open_files":"4","host_calls":"1e3","http_requests":3,"channel_ops":10}`: nil,
		`{"stack":"1MiB","disk_bytes":"1GiB","http_bytes":65536}`:                                                   nil,
		`{"memory":1e8}`:        nil,
		`{"fuel":null}`:         nil,
		`{"memry":1}`:           {`limits: unknown key "memry", did you mean "memory"?: known are "fuel", "timeout", "memory", "stack"`},
		`{"fule":1,"xyz":2}`:    {`unknown key "fule", did you mean "fuel"?`, `unknown key "xyz"`},
		`{"fuel":1.5}`:          {`limits.fuel: got 1.5, want a whole number, as 1000 or 1e9`},
		`{"fuel":"1GiB"}`:       {`limits.fuel: got "1GiB", want a whole number`},
		`{"host_calls":-1}`:     {`limits.host_calls: got -1, want a whole number`},
		`{"open_files":1e17}`:   {`limits.open_files: got 1e17`},
		`{"http_requests":0}`:   {`limits.http_requests: 0 is no limit that a task could keep; leave it out for the default`},
		`{"channel_ops":[]}`:    {`limits.channel_ops: got []`},
		`{"table_elements":""}`: {`limits.table_elements: got ""`},
		`{"memory":"0B"}`:       {`limits.memory: 0 is no limit`},
		`{"timeout":"0s"}`:      {`limits.timeout: got "0s", want a number above 0 with a unit`},
		`{"memory":"64 MB"}`:    {`limits.memory: got "64 MB", want a number of bytes, or a size as`},
		`{"memory":-1}`:         {`limits.memory: got -1`},
		`{"memory":1.5}`:        {`limits.memory: got 1.5`},
		`{"memory":true}`:       {`limits.memory: got true`},
		`{"timeout":5}`:         {`limits.timeout: got 5, want a number above 0 with a unit`},
		`[]`:                    {`limits: want an object`},
	} {
		check(t, h, engine.Task{Spec: spec, Limits: json.RawMessage(limits)}, want...)
	}
	for grants, want := range map[string][]string{
		`{"channel":false,"control":true,"env":{"A":"b"},"mounts":[{"host":".","guest":"/d","writable":true}]}`:                   nil,
		`{"mounts":[{"memory":true,"guest":"/tmp"}],"http":["example.com","*.example.com:8443"],"http_networks":["10.0.0.0/8"]}`:  nil,
		`{"secrets":["api-key"],"tools":["*"],"config":{"a":"b"},"clock":"coarse","random":"seeded","seed":18446744073709551615}`: nil,
		`{"spawn":["lib/*.wasm","builtin:*"]}`:                       nil,
		`{"chanel":true}`:                                            {`grants: unknown key "chanel", did you mean "channel"?`},
		`{"channel":"yes"}`:                                          {`grants.channel: got "yes", want true or false`},
		`{"env":["A"]}`:                                              {`grants.env: got ["A"], want an object of strings`},
		`{"mounts":{}}`:                                              {`grants.mounts: got {}, want a list`},
		`{"mounts":[{"host":"x","guest":"d"}]}`:                      {`grants.mounts[0].guest: got "d", want an absolute path`},
		`{"mounts":[{"guest":"/d"}]}`:                                {`grants.mounts[0].host: missing`},
		`{"mounts":[{"hots":"x"}]}`:                                  {`grants.mounts[0]: unknown key "hots"`},
		`{"mounts":[{"host":"x","guest":"/d","memory":true}]}`:       {`grants.mounts[0]: a mount has a host directory or is in memory, not both`},
		`{"mounts":[{"guest":"/d","memory":true,"writable":false}]}`: {`grants.mounts[0].writable: a mount in memory is always writable`},
		`{"env":{"A":null}}`:                                         {`grants.env: got {"A":null}, want an object of strings`},
		`{"config":{"a":1}}`:                                         {`grants.config: got {"a":1}, want an object of strings`},
		`{"secrets":"api-key"}`:                                      {`grants.secrets: got "api-key", want a list of strings`},
		`{"tools":[""]}`:                                             {`grants.tools: got [""], want a list of strings`},
		`{"http":["https://a.com/x"],"http_networks":["10.0.0.0"],"clock":"slow"}`: {`grants.http[0]: host "https://a.com/x"`, `grants.clock: got "slow", want one of virtual, coarse, real`},
		`{"http_networks":["10.0.0.0/33"]}`:                                        {`grants.http_networks[0]: network "10.0.0.0/33"`},
		`{"random":"dice"}`:                                                        {`grants.random: got "dice", want one of seeded, secure`},
		`{"random":"seeded","seed":-1}`:                                            {`grants.seed: got -1, want a whole number`},
		`{"seed":1}`:                                                               {`grants.seed: it is for a seeded source: add random: seeded`},
		`{"spawn":["img.wasm#resize"]}`:                                            {`grants.spawn[0]: "img.wasm#resize" names an export`},
		`{"scerets":[]}`:                                                           {`grants: unknown key "scerets", did you mean "secrets"?`},
	} {
		check(t, h, engine.Task{Spec: spec, Grants: json.RawMessage(grants)}, want...)
	}
	check(t, h, engine.Task{Spec: json.RawMessage(`"x.wasm"`), Limits: json.RawMessage(`{"a":1}`), Grants: json.RawMessage(`{"b":1}`)},
		"no such file", `limits: unknown key "a"`, `grants: unknown key "b"`)
}

func TestOperatorMaximum(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, sub := range []string{"open/in", "closed"} {
		write(t, filepath.Join(dir, sub, "f"), "x")
	}
	if err := os.Symlink(filepath.Join(dir, "closed"), filepath.Join(dir, "open", "link")); err != nil {
		t.Fatal(err)
	}
	no := false
	h := newHandler(t, wasm.Config{
		Dir:    dir,
		Limits: wasmhost.Limits{Memory: 32 << 20},
		Spawn:  []string{"./lib/*.wasm", "builtin:*"},
		Grants: &wasmhost.Grants{
			Channel: &no,
			Clock:   wasmhost.ClockVirtual,
			Env:     map[string]string{"NAME": ""},
			Mounts:  []wasmhost.Mount{{Host: filepath.Join(dir, "open")}},
		},
	})
	spec := marshal(t, guest(t)+"#noop")
	for grants, want := range map[string][]string{
		`{"env":{"NAME":"x"}}`:                                      nil,
		`{"control":true}`:                                          nil,
		`{"channel":false}`:                                         nil,
		`{"mounts":[{"host":"open/in","guest":"/d"}]}`:              nil,
		`{"channel":true}`:                                          {"grants.channel: the operator does not allow it"},
		`{"env":{"PATH":"x"}}`:                                      {`grants.env: the operator does not allow "PATH"`},
		`{"http":["a.com"],"clock":"real"}`:                         {`grants.http[0]: the operator does not allow all of "a.com"`, "grants.clock: the operator allows virtual at most, not real"},
		`{"mounts":[{"memory":true,"guest":"/tmp"}]}`:               nil,
		`{"spawn":["lib/*.wasm","./lib/a.wasm","builtin:*"]}`:       nil,
		`{"spawn":["lib/*"]}`:                                       {`grants.spawn[0]: the operator does not allow "lib/*"`},
		`{"spawn":["lib/a/b.wasm","*","docker:*"]}`:                 {`grants.spawn[0]: `, `grants.spawn[1]: the operator does not allow "*"`, `grants.spawn[2]: `},
		`{"mounts":[{"host":"closed","guest":"/d"}]}`:               {"grants.mounts[0]: the operator does not allow reading " + filepath.Join(dir, "closed")},
		`{"mounts":[{"host":"open/link","guest":"/d"}]}`:            {"does not allow reading"},
		`{"mounts":[{"host":"open/../..","guest":"/d"}]}`:           {"does not allow reading"},
		`{"mounts":[{"host":"open","guest":"/d","writable":true}]}`: {"does not allow writing"},
		`{"mounts":[{"host":"open/none","guest":"/d"}]}`:            {"no such file"},
	} {
		check(t, h, engine.Task{Spec: spec, Grants: json.RawMessage(grants)}, want...)
	}
	call := newCall(t, "alloc", 100)
	call.Task.Limits = json.RawMessage(`{"memory":"1GiB"}`)
	_, err := h.Handle(t.Context(), call)
	if te := taskError(t, err); te.Kind != "memory" {
		t.Errorf("memory: got %v, want kind memory", te)
	}
	_, err = h.Handle(t.Context(), newCall(t, "set", "k"))
	if te := taskError(t, err); te.Kind != engine.KindDenied {
		t.Errorf("channel: got %v, want kind denied", te)
	}
}
