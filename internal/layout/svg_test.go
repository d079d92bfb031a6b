package layout_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/layout"
)

func svg(tb testing.TB, d *layout.Drawing, o layout.SVG) string {
	tb.Helper()
	var b bytes.Buffer
	if err := d.WriteSVG(&b, o); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// allStates gives the tasks of a drawing all states in turn.
func allStates(d *layout.Drawing) map[string]layout.State {
	states := map[string]layout.State{}
	for i, n := range d.Nodes {
		states[n.ID] = layout.States()[i%len(layout.States())]
	}
	return states
}

// TestGolden compares drawings with those that were looked at. -update writes them; look
// at them then.
func TestGolden(t *testing.T) {
	t.Parallel()
	for name, l := range layouts(t) {
		for _, s := range []engine.Spec{everything(), pipeline(40, 2), fan(12)} {
			t.Run(name+"/"+s.Name, func(t *testing.T) {
				t.Parallel()
				d := draw(t, l, s)
				golden(t, s.Name+"."+name+".svg", svg(t, d, layout.SVG{States: allStates(d), Style: true}))
				again := draw(t, l, s)
				if again != d {
					t.Error("the same graph was drawn twice")
				}
			})
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run the test with -update and look at it", path)
	}
}

// hostile is a graph whose texts try to be more than text.
func hostile() engine.Spec {
	s := everything()
	const attack = "]]></title></svg><script>alert(1)</script>\"' onload=alert(1) x=\"&lt;&#x3c;\x00\x1b[31m\u202e\u2028\xff"
	s.Name, s.Description = attack, attack
	s.Tasks[0].Handler = attack
	s.Tasks[1].Spec, _ = json.Marshal(map[string]string{"image": attack})
	s.Edges[3].When = `result.parse != "]]></text><script>alert(1)</script>\"' onload='alert(1)' <!-- "`
	return s
}

// elements are those that drawings are made of, and their attributes.
var elements = map[string][]string{
	"svg": {"class", "width", "height", "viewBox", "role", "aria-labelledby"}, "title": {"id"}, "desc": {"id"}, "style": {}, "defs": {},
	"symbol": {"id", "viewBox"}, "circle": {"cx", "cy", "r"}, "g": {"class", "data-task", "data-group", "data-from", "data-to"}, "a": {"href"},
	"rect": {"class", "x", "y", "width", "height", "rx"}, "text": {"class", "x", "y"}, "path": {"class", "d"}, "use": {"class", "href", "x", "y", "width", "height"},
}

// TestHostileText reads what is written of hostile texts as XML: elements and attributes
// are those that drawings have, and no style is in an attribute.
func TestHostileText(t *testing.T) {
	t.Parallel()
	d := draw(t, newLayout(t, layout.Config{}), hostile())
	notes := map[string]string{"fetch": `"><script>alert(1)</script>`}
	hrefs := map[string]string{"fetch": `javascript:alert("1")`, "parse": `/runs/1?task="><script>`, "store": "data:text/html,x", "score": "JaVaScRiPt:alert(1)", "undo": "https://example.com/a:b"}
	for name, o := range map[string]layout.SVG{
		"plain": {}, "states": {States: allStates(d), Style: true},
		"links":  {States: map[string]layout.State{"fetch": `"><script>`, "parse": layout.Failed}, Notes: notes, Href: func(id string) string { return hrefs[id] }, ID: `"><script>`},
		"styled": {Style: true, ID: "other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := svg(t, d, o)
			var links []string
			decoder := xml.NewDecoder(strings.NewReader(text))
			for {
				token, err := decoder.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%v in %s", err, text)
				}
				e, ok := token.(xml.StartElement)
				if !ok {
					continue
				}
				allowed, known := elements[e.Name.Local]
				if !known {
					t.Errorf("there is an element %s", e.Name.Local)
				}
				for _, a := range e.Attr {
					drawn := []string{"fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "xmlns"}
					if !slices.Contains(allowed, a.Name.Local) && !slices.Contains(drawn, a.Name.Local) {
						t.Errorf("%s has an attribute %s", e.Name.Local, a.Name.Local)
					}
					if e.Name.Local == "a" {
						links = append(links, a.Value)
					}
				}
			}
			if o.Href == nil {
				return
			}
			slices.Sort(links)
			want := []string{"#", "#", "#", `/runs/1?task="><script>`, "https://example.com/a:b"}
			if !slices.Equal(links, want) {
				t.Errorf("got links %q, want %q", links, want)
			}
		})
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	d := draw(t, newLayout(t, layout.Config{}), everything())
	text := svg(t, d, layout.SVG{States: map[string]layout.State{"fetch": layout.Failed, "parse": "bogus", "store": layout.Running}, Notes: map[string]string{"fetch": "attempt 3"}})
	for _, want := range []string{
		`<g class="task failed" data-task="fetch"><title>fetch: failed, attempt 3, docker, example/fetch:1</title>`,
		`<g class="task pending" data-task="parse"><title>parse: pending, wasm, parser.wasm#parse, for each of input.pages</title>`,
		`href="#graph-running"`, `<symbol id="graph-running"`, `role="img"`,
		"10 tasks, 2 groups, 9 edges: 8 pending, 1 running, 1 failed. what a drawing shows",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	for name, text := range map[string]string{"no states": svg(t, d, layout.SVG{}), "states": text} {
		if strings.Contains(text, "<style") || strings.Contains(text, "style=") {
			t.Errorf("%s: a drawing without Style has styles", name)
		}
	}
	if text := svg(t, d, layout.SVG{Href: func(string) string { return "" }}); strings.Contains(text, `role="img"`) || strings.Contains(text, "<a ") || strings.Contains(text, "symbol") {
		t.Errorf("got %s", text)
	}
	for _, state := range layout.States() {
		if state != layout.Pending && !strings.Contains(layout.Style(), ".task."+string(state)+" ") {
			t.Errorf("the style sheet does not know %s", state)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriteFails(t *testing.T) {
	t.Parallel()
	d := draw(t, newLayout(t, layout.Config{}), everything())
	if err := d.WriteSVG(broken{}, layout.SVG{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v, want %v", err, io.ErrClosedPipe)
	}
}
