package inside_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/handlers/docker/inside"
	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// TestCall is a shell's way through the protocol.
func TestCall(t *testing.T) {
	t.Parallel()
	a := begin(t, lines.Config{Input: []byte(`{"a":1}`), Grants: wasmhost.Grants{Secrets: []string{"key", "binary"}, Tools: []string{"add"}}})
	script := strings.Join([]string{
		`PATH=/run/graflow:/bin`, `cd /tmp`,
		`graflow-call input`,
		`graflow-call channel_set key=n value=1`,
		`graflow-call channel_get key=n`,
		`graflow-call channel_set key=12 value='{"a": [1,
2]}'`,
		`graflow-call channel_set key=text value='not "JSON"'`,
		`graflow-call -r channel_get key=text; echo`,
		`graflow-call channel_keys`,
		`printf '{"from": "a file"}' >f; graflow-call channel_set key=file value=@f`,
		`echo -n text on stdin | graflow-call channel_set key=stdin value=@-`,
		`graflow-call channel_append key=list value=null`,
		`graflow-call -r secret_get name=key; echo`,
		`graflow-call -r secret_get name=binary | od -An -tx1`,
		`graflow-call tool_call name=add args='[1,2]'`,
		`graflow-call pause name=approve message=5 timeout=10s default=false`,
		`graflow-call log level=warn message=123`,
		`graflow-call progress done=1 total=2 note=half`,
		`graflow-call next_task id=b handler=wasm spec='"#x"' goto=true`,
		`printf '\0\377' >report; graflow-call file_put file=report`,
		`ln -s report link; graflow-call file_put name=b/c file=link >/dev/null`,
		`graflow-call output value=done`,
		`graflow-call channel_get key=none; echo "code $?"`,
		`graflow-call nonsense; echo "code $?"`,
		`graflow-call channel_get nonsense; echo "code $?"`,
		`graflow-call channel_get key=a key=b; echo "code $?"`,
		`graflow-call; echo "code $?"`,
		`graflow-call file_put name=x; echo "code $?"`,
		`graflow-call file_put file=/tmp; echo "code $?"`,
		`GRAFLOW_SOCKET= graflow graflow-inside call input; echo "code $?"`,
		`GRAFLOW_SOCKET=/tmp/f graflow-call input; echo "code $?"`,
		`exit 0`,
	}, "\n")
	got, o := a.shell(nil, script), a.server.Close()
	want := `{"a":1}
1
not "JSON"
["12","n","text"]
s3cret
 00 ff
[1,2]
"answered"
{"$file":"sha256:` + strings.Repeat("0", 64) + `","name":"report","size":2}
code 1
code 1
code 2
code 2
code 2
code 2
code 2
code 2
code 2
`
	if got.stdout != want || got.code != 0 {
		t.Errorf("got\n%swant\n%s", got.stdout, want)
	}
	for _, text := range []string{"not_found: ", "invalid: ", "want KEY=VALUE", "given twice", "usage: ", "want file=PATH", "it is a directory", abi.EnvSocket + " is not set", "connect to the host"} {
		if !strings.Contains(got.stderr, text) {
			t.Errorf("got %s, want %q in it", got.stderr, text)
		}
	}
	wantAsked := []string{
		`set n 1`, `set 12 {"a":[1,2]}`, `set text "not \"JSON\""`, `set file {"from":"a file"}`, `set stdin "text on stdin"`, `append list null`,
		`tool add [1,2]`, `pause approve 5`, `log WARN 123`, `progress 1 2 half`, `next_task b wasm "#x"  true`,
	}
	if asked := a.embedder.noted(); !slices.Equal(asked, wantAsked) {
		t.Errorf("asked\n%s\nwant\n%s", strings.Join(asked, "\n"), strings.Join(wantAsked, "\n"))
	}
	if string(o.Output) != `"done"` || a.embedder.files["report"] != "\x00\xff" || a.embedder.files["b/c"] != "\x00\xff" {
		t.Errorf("got output %s, files %q", o.Output, a.embedder.files)
	}
}

func TestCallPaused(t *testing.T) {
	t.Parallel()
	a := begin(t, lines.Config{})
	got := a.container(nil, mounted, inside.Word, inside.VerbCall, "pause", "name=unanswered")
	if got.code != abi.ExitPaused || !strings.Contains(got.stderr, "paused") {
		t.Errorf("got %+v", got)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	a := begin(t, lines.Config{})
	for _, tt := range []struct {
		words []string
		want  string
	}{
		{nil, "want run, serve, wasm or call"},
		{[]string{"dance"}, `unknown verb "dance"`},
		{[]string{inside.VerbRun, "--"}, "want -- COMMAND ARGS…"},
		{[]string{inside.VerbWasm, "m"}, "want MODULE EXPORT"},
		{[]string{inside.VerbServe}, "connect to the host"},
	} {
		got := a.container(nil, append([]string{mounted, inside.Word}, tt.words...)...)
		if got.code != inside.ExitFailed || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("%q: got %+v, want %q", tt.words, got, tt.want)
		}
	}
}
