package main

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestUpgradeForm: what this version stores looks as the newest set of data does. A
// change of it needs another set, so that the versions before can be read for ever.
func TestUpgradeForm(t *testing.T) {
	t.Parallel()
	all := dataSets(t)
	newest := slices.Max(slices.Collect(maps.Keys(all)))
	got, want := strings.Split(makeSet(t, false).form, "\n"), strings.Split(all[newest].form, "\n")
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("%s has not: %s", newest, line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("only %s has: %s", newest, line)
		}
	}
	if t.Failed() {
		t.Log("What is stored has changed. Older data must still be read: keep the sets that there are, and add one with make upgrade-data SET=vNNN. " +
			"What older versions would misread needs another version number, or a field that they do not know, which they refuse.")
	}
}

// formOf are version numbers, settings of streams, fields.
func formOf(t *testing.T, s dataSet) string {
	t.Helper()
	lines := slices.Concat(formOfFiles(t, s.files), formOfStreams(t, s.streams))
	lines = append(lines, formOfObject(t, "checkpoint", s.checkpoint))
	seen := map[reflect.Type]bool{}
	for _, v := range []any{engine.Event{}, engine.Spec{}, engine.Mark{}, engine.DeadLetter{}, natsbus.ModuleRecord{}, natsbus.NodeInfo{}} {
		of := reflect.TypeOf(v)
		formOfType(of, of.String(), seen, func(line string) { lines = append(lines, line) })
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n") + "\n"
}

func formOfFiles(t *testing.T, files string) []string {
	t.Helper()
	var lines []string
	for _, f := range txtar.Parse([]byte(files)).Files {
		data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(string(f.Data), "\n", ""))
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasSuffix(f.Name, "/format"):
			lines = append(lines, "state directory: "+strings.TrimSpace(string(data)))
		case f.Name == "quarantine.json":
			lines = append(lines, formOfObject(t, "quarantine", string(data)))
		case strings.HasSuffix(f.Name, ".receipt"):
			lines = append(lines, formOfReceipt(t, string(data))...)
		case strings.HasSuffix(f.Name, ".journal"):
			lines = append(lines, fmt.Sprintf("journal: %q version %d", data[:7], binary.LittleEndian.Uint16(data[8:])))
		}
	}
	return lines
}

// formOfReceipt are the fields of an envelope, and of what is signed in it.
func formOfReceipt(t *testing.T, text string) []string {
	t.Helper()
	var e struct {
		Type    string `json:"payloadType"`
		Payload []byte `json:"payload"`
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	return []string{formOfObject(t, "receipt", text), formOfObject(t, "receipt of "+e.Type, string(e.Payload))}
}

// formOfStreams are the settings of streams, and the fields of what has no type of Go
// that others see.
func formOfStreams(t *testing.T, streams string) []string {
	t.Helper()
	var lines []string
	name := ""
	for text := range strings.Lines(streams) {
		var l struct {
			Stream *struct {
				Config map[string]any `json:"config"`
			} `json:"stream"`
			Message struct {
				Subject string              `json:"subject"`
				Header  map[string][]string `json:"header"`
				Text    string              `json:"text"`
			} `json:"message"`
		}
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		if l.Stream != nil {
			name = fmt.Sprint(l.Stream.Config["name"])
			config, err := json.Marshal(l.Stream.Config)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fmt.Sprintf("stream %s: %s", name, config))
			continue
		}
		for header := range l.Message.Header {
			lines = append(lines, fmt.Sprintf("header of %s: %s", name, header))
		}
		if name == "GF_TASKS" || name == "GF_CFG" {
			kind := strings.Split(l.Message.Subject, ".")[3] // of documents
			if name == "GF_TASKS" {
				kind = "ticket"
			}
			lines = append(lines, formOfObject(t, name+" "+kind, l.Message.Text))
		}
	}
	return slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "header of GF_ARCHIVE") }) // only of all
}

// formOfObject are the keys of a JSON object, and its version.
func formOfObject(t *testing.T, what, text string) string {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		t.Fatalf("%s: %v: %s", what, err, text)
	}
	return fmt.Sprintf("%s: version %s of %q", what, fields["version"], slices.Sorted(maps.Keys(fields)))
}

// formOfType tells a type's fields as JSON has them, those of each type once.
func formOfType(of reflect.Type, at string, seen map[reflect.Type]bool, tell func(string)) {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Map {
		if of.Elem().Kind() == reflect.Uint8 {
			break // bytes
		}
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || of.PkgPath() == "time" || seen[of] {
		tell(at + " " + of.String())
		return
	}
	seen[of] = true
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case name == "" && f.Anonymous:
			formOfType(f.Type, at, seen, tell)
		default:
			formOfType(f.Type, at+"."+cmp.Or(name, f.Name), seen, tell)
		}
	}
}
