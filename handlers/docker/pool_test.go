package docker

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/dockertest"
)

// TestPool runs attempts in one container, each of which finds it clean.
func TestPool(t *testing.T) {
	t.Parallel()
	h := newHandler(t, Config{Policy: Policy{Pool: true}, Binary: dockertest.Program(t, "./inside/testdata/inside")})
	spec := strings.Replace(shell(dockertest.Busybox(t), `ls /tmp | wc -l; cat; touch /tmp/$$; sleep 1000 &`), "{", `{"reuse":"pool","result":"stdout",`, 1)
	for i := range 3 {
		got, err := h.Handle(t.Context(), callOf(spec, `7`))
		if err != nil {
			t.Fatal(err)
		}
		var used ledger
		if err := json.Unmarshal(got.Ledger, &used); err != nil {
			t.Fatal(err)
		}
		if string(got.Value) != `"0\n7"` || used.Reused != (i > 0) {
			t.Errorf("attempt %d: value %s, reused %t", i, got.Value, used.Reused)
		}
	}
}

// TestFilesOut leaves files, with a result from a file.
func TestFilesOut(t *testing.T) {
	t.Parallel()
	h := newHandler(t, Config{Binary: dockertest.Program(t, "./inside/testdata/inside")})
	spec := strings.Replace(shell(dockertest.Busybox(t), `mkdir /out/a; echo one > /out/a/b.txt; echo two > /out/c; echo '{"n":1}' > /tmp/r.json; cat /in/x`), "{",
		`{"files_out":["**/*.txt"],"result":{"file":"/tmp/r.json"},"files_in":{"/in/x":"name"},`, 1)
	call := callOf(spec, `{"name":"a file of the input"}`)
	kept := &fileStore{files: map[string]string{}}
	call.Files = kept
	got, err := h.Handle(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Files) != 1 || got.Files[0].Name != "a/b.txt" || kept.files[got.Files[0].Digest] != "one\n" {
		t.Errorf("files %+v of %v", got.Files, kept.files)
	}
	if want := `{"files":{"a/b.txt":{"$file":"digest of one\n","name":"a/b.txt","size":4}},"result":{"n":1}}`; string(got.Value) != strings.ReplaceAll(want, "\n", `\n`) {
		t.Errorf("value %s, want %s", got.Value, want)
	}
	if line := <-call.Sink.(recorder).lines; line != "a file of the input" {
		t.Errorf("the task had %q as its file", line)
	}
}
