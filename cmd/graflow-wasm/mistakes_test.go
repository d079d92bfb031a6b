package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMistakes makes common mistakes: each is told by what is wrong, where, and what to
// do about it. DIR stands for a directory with some files.
func TestMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ok.flow.yaml": "name: ok\ntasks:\n  a: {builtin: now}\n", "bad.flow.yaml": "name: bad\ntasks:\n  a: {builtin: nwo}\n",
		"bad.json": "{", "notes.txt": "some notes\n", "policy.yaml": "{",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command(t, exitSucceeded, "run", dir+"/ok.flow.yaml", "--state", dir+"/st", "--id", "r1", "-q")
	for _, test := range []struct {
		args string
		code int
		want string // an expression
	}{
		// Misspelled.
		{"rnu", exitUsage, "unknown command \"rnu\"; did you mean run or runs\\?\nSee `graflow-wasm --help`"},
		{"runs sho r1", exitUsage, "runs: unknown command \"sho\"; did you mean show\\?\nSee `graflow-wasm runs --help`"},
		{"run DIR/ok.flow.yaml --timeot 3s", exitUsage, "run: unknown flag: --timeot; did you mean --timeout\\?\nSee `graflow-wasm run --help`"},
		{"completion tcsh", exitUsage, "completion: unknown command \"tcsh\"\nSee `graflow-wasm completion --help`"},
		{"help pauzes", exitUsage, `there is no topic or command "pauzes"; did you mean pauses\?`},
		{"runs ls --state DIR/st --status done", exitUsage, `--status "done": want one of running, paused`},
		{"runs ls --state DIR/st -o yaml", exitUsage, "invalid argument \"yaml\" for \"-o, --output\" flag: want one of text, json"},
		{"exec -c 1 -l ruby", exitUsage, `--language "ruby": want one of python, javascript, typescript`},
		{"new cobol DIR/new", exitUsage, "there is one for assemblyscript, c, go"},
		{"top --sort queues=age", exitUsage, "queues are sorted by ready, running"},
		// Missing, or too much.
		{"run", exitUsage, "run: TARGET is missing\nUsage: graflow-wasm run TARGET"},
		{"run DIR/ok.flow.yaml more", exitUsage, "run: \"more\" is one argument too many\nUsage: graflow-wasm run TARGET"},
		{"runs show --state DIR/st", exitUsage, "runs show: RUN is missing\nUsage: graflow-wasm runs show RUN"},
		{"queues limit slow", exitUsage, "queues limit: N is missing\nUsage: "},
		{"version now", exitUsage, "version: \"now\" is one argument too many\nUsage: "},
		{"validate", exitUsage, "validate: FILE is missing\nUsage: "},
		{"exec", exitUsage, "which code\\? Give a FILE, -c CODE, or - for stdin"},
		{"server", exitUsage, "--dir is missing: the directory to keep everything in"},
		{"runs ls", exitUsage, "which runs\\? Give --state D.R, or set GRAFLOW_WASM_STATE"},
		{"queues ls", exitUsage, "which cluster\\? Give --nats URL, or set GRAFLOW_WASM_NATS"},
		{"worker", exitUsage, "which cluster\\? Give --nats URL, or set GRAFLOW_WASM_NATS"},
		{"run DIR/ok.flow.yaml --detach", exitUsage, "give --nats URL"},
		// Files that are wrong, or not there.
		{"run DIR/nofile.flow.yaml", exitUsage, "read flow file DIR/nofile.flow.yaml: no such file or directory; there is DIR/bad.flow.yaml, DIR/ok.flow.yaml"},
		{"run DIR/st/nofile.flow.yaml", exitUsage, "no such file or directory; a flow file is one like NAME.flow.yaml: see that the path is right"},
		{"run DIR/nofile.wasm", exitUsage, "no such file or directory: .*\nGive a flow file"},
		{"run DIR/bad.flow.yaml", exitUsage, "bad.flow.yaml:3:16: no builtin \"nwo\": there are(.|\n)*Correct the file; `graflow-wasm validate .*` checks it"},
		{"run DIR/notes.txt", exitUsage, "not WebAssembly: looks like text(.|\n)*Flow files are called NAME.flow.yaml"},
		{"exec DIR/nofile.py", exitUsage, "no such file; code itself is given with -c"},
		{"exec -c 1 --memory lots", exitUsage, "want a number of bytes, or a size as 64KiB"},
		{"run DIR/ok.flow.yaml --state DIR/notes.txt", exitUsage, "notes.txt: not a directory; give a directory, which is made"},
		{"runs ls --state DIR/none", exitUsage, "no runs are kept there; `graflow-wasm run --state .*` makes it"},
		{"run DIR/ok.flow.yaml --docker-policy DIR/policy.yaml", exitUsage, "--docker-policy: DIR/policy.yaml:1:1: "},
		{"test DIR/ok.flow.yaml", exitUsage, "it has no test file: write its cases into .*ok.test.yaml"},
		// Values.
		{"run DIR/ok.flow.yaml --input {bad", exitUsage, "read the input from the command line: not JSON: .*; text needs quotes"},
		{"run DIR/ok.flow.yaml --input @DIR/bad.json", exitUsage, "read the input from DIR/bad.json: not JSON: "},
		{"run DIR/ok.flow.yaml --input @DIR/none.json", exitUsage, "none.json: no such file or directory; give a file that is there as @FILE, or the JSON itself"},
		{"run DIR/ok.flow.yaml --set novalue", exitUsage, `set "novalue" in the input: want key=value`},
		{"run DIR/ok.flow.yaml --timeout 3", exitUsage, "missing unit in duration \"3\"\nSee `graflow-wasm run --help`"},
		{"runs ls --state DIR/st --since yesterday", exitUsage, `--since "yesterday": want a duration as 24h, or a time as`},
		{"dead show zero --nats ./none", exitUsage, "\"zero\" is no number of a dead letter; `graflow-wasm dead ls` lists them"},
		// Runs.
		{"runs show nope --state DIR/st", exitUsage, "run \"nope\": not found; `graflow-wasm runs ls` lists those that there are"},
		{"runs cancel r1 --state DIR/st", exitUsage, "cancel run r1: the run has ended: it succeeded"},
		{"runs retry r1 --state DIR/st --from zzz", exitUsage, `run "r1" has no task "zzz"`},
		// Places.
		{"runs ls --state DIR/st --nats nats://127.0.0.1:1", exitUsage, "--state and --nats: .*give one of them"},
		{"runs ls --nats nats://127.0.0.1:1", exitUnreachable, "the cluster does not answer: .*see that a server runs there, and that the address is right"},
		{"runs ls --nats DIR", exitUnreachable, "no server runs in DIR: .*`graflow-wasm server --dir .*` runs one"},
		{"runs ls --server http://127.0.0.1:1", exitUnreachable, "http://127.0.0.1:1 does not answer"},
		{"runs ls --server DIR", exitUnreachable, "no server with an API runs in DIR.*`graflow-wasm server --dir .*` runs one"},
		{"module ls", exitUsage, "which cluster\\? Give --nats URL"},
		{"schedules ls", exitUsage, "which cluster\\? Give --nats URL"},
	} {
		var out, said bytes.Buffer
		args := strings.Fields(strings.ReplaceAll(test.args, "DIR", dir))
		code := execute(args, streams{in: strings.NewReader(""), out: &out, err: &said})
		text := said.String()
		want := regexp.MustCompile(strings.ReplaceAll(test.want, "DIR", regexp.QuoteMeta(dir)))
		if code != test.code || !want.MatchString(text) {
			t.Errorf("graflow-wasm %s: exit code %d, want %d; it says\n%s\nwant %s", test.args, code, test.code, text, test.want)
		}
		if !strings.HasPrefix(text, "graflow-wasm: ") || strings.HasPrefix(text, "graflow-wasm: graflow-wasm") || strings.Contains(text, "arg(s)") {
			t.Errorf("graflow-wasm %s: it says\n%s", test.args, text)
		}
	}
}

// TestWrongRole wants who may not do something to be told so, and what helps.
func TestWrongRole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	begin(t, dir, "server", "--dir", "srv", "--listen-nats", "127.0.0.1:0", "--listen", "127.0.0.1:0").await("ready$")
	viewer := []string{"--nats", dir + "/srv", "--nkey", dir + "/srv/credentials/viewer.nk"}
	if said := command(t, exitUsage, append([]string{"queues", "limit", "slow", "2"}, viewer...)...); !strings.Contains(said, "limit queue \"slow\"") || !strings.Contains(said, "role") {
		t.Errorf("a viewer who bounds a queue is told %q", said)
	}
	if said := command(t, exitUsage, "runs", "ls", "--nats", dir+"/srv", "--nkey", dir+"/none.nk"); !strings.Contains(said, "none.nk: no such file") {
		t.Errorf("who has no seed is told %q", said)
	}
}

func TestPlaceholders(t *testing.T) {
	t.Parallel()
	root := newRoot(streams{})
	for path, want := range map[string]string{
		"run": "TARGET 1", "runs resume": "RUN 3", "queues limit": "QUEUE,N 2", "version": " 0", "module ls": " 1", "runs rm": "RUN 1",
		"module pull": "REF 1", "schedules add": "NAME,TARGET 2",
	} {
		cmd, _, err := root.Find(strings.Fields(path))
		if err != nil {
			t.Fatal(err)
		}
		required, all := placeholders(cmd)
		if got := strings.Join(required, ",") + " " + string(rune('0'+all)); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}
