package guest_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// everyKind is one variable of each kind that a document has.
type everyKind struct {
	text     string
	flag     *bool
	list     []string
	pairs    map[string]string
	seed     uint64
	duration time.Duration
	size     int64
	count    int64
}

var kinds = []string{"text", "flag", "list", "pairs", "seed", "duration", "size", "count"}

func read(data string) (everyKind, error) {
	v := everyKind{text: "old", seed: 7, size: 8}
	d, err := guest.Object("doc", json.RawMessage(data), kinds...)
	return v, errors.Join(
		err, d.Text("text", &v.text), d.Flag("flag", &v.flag), d.List("list", &v.list), d.Pairs("pairs", &v.pairs),
		d.Seed("seed", &v.seed), d.Duration("duration", &v.duration), d.Size("size", &v.size), d.Count("count", &v.count),
	)
}

func TestDocumentReads(t *testing.T) {
	t.Parallel()
	v, err := read(`{"text":"a","flag":true,"list":["x","y"],"pairs":{"k":"v"},"seed":18446744073709551615,"duration":"300ms","size":"16 MiB","count":1e9}`)
	if err != nil || v.text != "a" || v.flag == nil || !*v.flag || len(v.list) != 2 || v.pairs["k"] != "v" || v.seed != 1<<64-1 || v.duration != 300*time.Millisecond || v.size != 16<<20 || v.count != 1e9 {
		t.Errorf("got %+v, %v", v, err)
	}
	for _, none := range []string{``, ` `, `null`, `{}`, `{"text":null,"flag":null,"list":null,"pairs":null,"seed":null,"duration":null,"size":null,"count":null}`} {
		if v, err := read(none); err != nil || v.text != "old" || v.flag != nil || v.list != nil || v.pairs != nil || v.seed != 7 || v.size != 8 {
			t.Errorf("%q: got %+v, %v, want all left as it is", none, v, err)
		}
	}
}

func TestDocumentRefuses(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`3`:                      `doc: want an object with "text", "flag"`,
		`{"txt":1,"zzz":2}`:      `doc: unknown key "txt", did you mean "text"?: known are "text"` + "..." + `doc: unknown key "zzz": known are`,
		`{"text":1}`:             `doc.text: got 1, want a string`,
		`{"flag":"yes"}`:         `doc.flag: got "yes", want true or false`,
		`{"list":["a",""]}`:      `doc.list: got ["a",""], want a list of strings`,
		`{"list":"a"}`:           `doc.list: got "a", want a list`,
		`{"pairs":{"a":null}}`:   `doc.pairs: got {"a":null}, want an object of strings`,
		`{"seed":-1}`:            `doc.seed: got -1, want a whole number from 0 to`,
		`{"duration":10}`:        `doc.duration: got 10, want a number above 0 with a unit`,
		`{"duration":"-1s"}`:     `doc.duration: got "-1s"`,
		`{"size":"16MB"}`:        `doc.size: got "16MB", want a number of bytes`,
		`{"size":0}`:             `doc.size: 0 is no limit that a task could keep`,
		`{"size":"1e300GiB"}`:    `doc.size: got "1e300GiB"`,
		`{"count":1.5}`:          `doc.count: got 1.5, want a whole number`,
		`{"count":-1}`:           `doc.count: got -1`,
		`{"size":"-1KiB"}`:       `doc.size: got "-1KiB"`,
		`{"count":"NaN"}`:        `doc.count: got "NaN"`,
		`{"text":1,"count":"x"}`: `doc.text: got 1` + "..." + `doc.count: got "x"`,
	} {
		_, err := read(data)
		for _, w := range strings.Split(want, "...") {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: got %v, want %q in it", data, err, w)
			}
		}
	}
}

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	for wrong, want := range map[string]string{
		"exprot": `, did you mean "export"?`, "MODULE": `, did you mean "module"?`, "x": "", "": "", strings.Repeat("e", 300): "",
	} {
		if got := guest.DidYouMean(wrong, []string{"module", "export"}); got != want {
			t.Errorf("%.20s: got %q, want %q", wrong, got, want)
		}
	}
}

// FuzzDocument wants no document to panic, and numbers within their bounds.
func FuzzDocument(f *testing.F) {
	f.Add(`{"text":"a","flag":true,"list":["x"],"pairs":{"k":"v"},"seed":1,"duration":"1s","size":"1KiB","count":1e3}`)
	f.Add(`{"size":"-1GiB","count":"0x10","seed":"1"}`)
	f.Fuzz(func(t *testing.T, data string) {
		if v, err := read(data); err == nil && (v.size <= 0 || v.size > 1<<53 || v.count < 0 || v.count > 1<<53 || v.duration < 0) {
			t.Errorf("got %+v", v)
		}
	})
}
