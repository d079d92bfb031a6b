package main

import (
	"bytes"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
	"github.com/graflow/graflow-wasm/natsbus/streamtext"
	"github.com/rogpeppe/go-internal/txtar"
)

// upgradeData has a directory for each version whose data later ones must read; see
// its README.
const upgradeData = "../../testdata/upgrade"

// dataSet is what a version has stored, as text.
type dataSet struct {
	streams    string // of a server, see package streamtext
	files      string // an archive of files, whose contents are base64: a state directory, a session, secrets
	checkpoint string
	form       string // what all that looks like, see upgrade_form_test.go
}

// Names of its files.
const (
	streamsFile    = "streams.jsonl"
	filesFile      = "files.txtar"
	checkpointFile = "checkpoint.json"
	formFile       = "form.txt"
)

// dataSets are all that are kept, the oldest first.
func dataSets(t *testing.T) map[string]dataSet {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(upgradeData, "v*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no data in %s: %v", upgradeData, err)
	}
	all := map[string]dataSet{}
	for _, dir := range dirs {
		all[filepath.Base(dir)] = dataSet{
			streams: text(t, filepath.Join(dir, streamsFile)), files: text(t, filepath.Join(dir, filesFile)),
			checkpoint: text(t, filepath.Join(dir, checkpointFile)), form: text(t, filepath.Join(dir, formFile)),
		}
	}
	return all
}

func text(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// keep writes a data set.
func (s dataSet) keep(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{streamsFile: s.streams, filesFile: s.files, checkpointFile: s.checkpoint, formFile: s.form} {
		save(t, filepath.Join(dir, name), text)
	}
}

// matches wants text to match an expression.
func matches(t *testing.T, text, expression string) {
	t.Helper()
	if !regexp.MustCompile(expression).MatchString(text) {
		t.Errorf("got\n%s\nwant %s", text, expression)
	}
}

func save(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// packed are the files below a directory but locks and sockets, which are of processes.
func packed(t *testing.T, dir string) string {
	t.Helper()
	a := &txtar.Archive{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || strings.HasSuffix(path, "lock") {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		a.Files = append(a.Files, txtar.File{Name: filepath.ToSlash(name), Data: inLines(data)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(txtar.Format(a))
}

func inLines(data []byte) []byte {
	var out bytes.Buffer
	for rest := base64.StdEncoding.EncodeToString(data); rest != ""; {
		n := min(100, len(rest))
		out.WriteString(rest[:n] + "\n")
		rest = rest[n:]
	}
	return out.Bytes()
}

// unpack puts the files into a directory.
func (s dataSet) unpack(t *testing.T, dir string) {
	t.Helper()
	for _, f := range txtar.Parse([]byte(s.files)).Files {
		data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(string(f.Data), "\n", ""))
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		save(t, filepath.Join(dir, f.Name), string(data))
	}
}

// serve fills the directory of a server with the streams.
func (s dataSet) serve(t *testing.T, dir string) {
	t.Helper()
	server, err := embedded.Start(t.Context(), embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	if err := streamtext.Read(t.Context(), strings.NewReader(s.streams), server.Connect); err != nil {
		t.Fatal(err)
	}
}

// owner connects to the server in a directory, as one who may do everything.
func owner(t *testing.T, dir string) streamtext.Connect {
	t.Helper()
	url := strings.TrimSpace(text(t, filepath.Join(dir, urlFile)))
	return natsbus.Dial(natsbus.DialConfig{URL: url, NKey: filepath.Join(dir, "credentials", "owner.nk")})
}
