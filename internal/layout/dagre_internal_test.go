package layout

import (
	"errors"
	"math"
	"testing"
	"testing/fstest"
)

func TestLibraryOfAProgramWithoutDagre(t *testing.T) {
	t.Parallel()
	about := &fstest.MapFile{Data: []byte(`{"version": "1.2.3", "sha256": "abc"}`)}
	source := &fstest.MapFile{Data: []byte("var dagre")}
	for name, files := range map[string]fstest.MapFS{"nothing": {}, "no source": {"built/dagre.json": about}} {
		if _, err := openLibrary(files); !isMissing(err) {
			t.Errorf("%s: got %v, want a MissingError", name, err)
		}
	}
	if _, err := openLibrary(fstest.MapFS{"built/dagre.json": {Data: []byte("{")}}); err == nil || isMissing(err) {
		t.Errorf("got %v, want that dagre.json can't be read", err)
	}
	l, err := openLibrary(fstest.MapFS{"built/dagre.json": about, "built/dagre.min.js": source})
	if want := (Library{Version: "1.2.3", SHA256: "abc", Source: "var dagre"}); err != nil || l != want {
		t.Errorf("got %+v, %v, want %+v", l, err, want)
	}
}

func isMissing(err error) bool {
	_, ok := errors.AsType[*MissingError](err)
	return ok
}

// diamond is a part of four nodes, of which a link passes the rank of two.
func diamond() layers {
	return layers{
		sizes: []float64{10, 30, 20, 10}, ranks: []int{0, 1, 1, 2},
		links: []link{{0, 1, 2}, {0, 2, 2}, {1, 3, 2}, {2, 3, 2}, {0, 3, 1}},
	}
}

// TestAnswersAreNotTrusted has dagre answer what it should not.
func TestAnswersAreNotTrusted(t *testing.T) {
	t.Parallel()
	bends := [][]float64{{}, {}, {}, {}, {2}}
	for name, a := range map[string]answer{
		"nothing":       {},
		"too few nodes": {Nodes: []float64{0, 0, 1}, Bends: bends},
		"too few edges": {Nodes: []float64{0, 0, 1, 0}, Bends: bends[1:]},
		"no bend":       {Nodes: []float64{0, 0, 1, 0}, Bends: [][]float64{{}, {}, {}, {}, {}}},
		"a bend more":   {Nodes: []float64{0, 0, 1, 0}, Bends: [][]float64{{1}, {}, {}, {}, {2}}},
	} {
		if p, err := a.placing(diamond()); err == nil {
			t.Errorf("%s: got %+v, want an error", name, p)
		}
	}
	for name, nodes := range map[string][]float64{
		"right":    {0, 1, 0, 0},
		"the same": {0, 0, 0, 0},
		"huge":     {math.MaxFloat64, -math.MaxFloat64, 1e300, -1},
		"infinite": {math.Inf(1), math.NaN(), math.Inf(-1), math.NaN()},
	} {
		l := diamond()
		p, err := answer{Nodes: nodes, Bends: bends}.placing(l)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		first, second, bend := p.at[1], p.at[2], p.bends[4][0]
		if apart := math.Abs(first - second); math.IsNaN(apart) || apart < (30+20)/2+nodeGap {
			t.Errorf("%s: nodes of 30 and 20 are %v apart", name, apart)
		}
		if math.Abs(first-bend) < 15+bendGap || math.Abs(second-bend) < 10+bendGap {
			t.Errorf("%s: a bend at %v, beside nodes at %v and %v", name, bend, first, second)
		}
	}
}

// TestRanks compares ranks with those that were thought out.
func TestRanks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		n     int
		links []link
		want  []int
	}{
		"one":                  {1, nil, []int{0}},
		"chain":                {3, []link{{2, 1, 1}, {1, 0, 1}}, []int{2, 1, 0}},
		"the longest way":      {4, []link{{0, 1, 1}, {1, 2, 1}, {2, 3, 1}, {0, 3, 1}}, []int{0, 1, 2, 3}},
		"a start near its use": {5, []link{{0, 1, 1}, {1, 2, 1}, {2, 3, 1}, {4, 3, 1}}, []int{0, 1, 2, 3, 2}},
	} {
		if got := ranks(test.n, test.links); !equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestSettle compares with the places of least squares: where two wishes conflict, both
// give way by half.
func TestSettle(t *testing.T) {
	t.Parallel()
	r := &ranked{layers: layers{sizes: []float64{10, 10, 10}}, size: []float64{10, 10, 10}}
	for name, test := range map[string]struct{ wish, want []float64 }{
		"free":     {[]float64{0, 20, 40}, []float64{0, 20, 40}},
		"two":      {[]float64{0, 0, 100}, []float64{-10, 10, 100}},
		"all":      {[]float64{0, 0, 0}, []float64{-20, 0, 20}},
		"reversed": {[]float64{60, 30, 0}, []float64{10, 30, 50}},
	} {
		at := make([]float64, 3)
		r.settle([]int{0, 1, 2}, test.wish, at)
		for i := range at {
			if math.Abs(at[i]-test.want[i]) > 1e-9 {
				t.Errorf("%s: got %v, want %v", name, at, test.want)
				break
			}
		}
	}
}

func TestTextFits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		most float64
		want string
	}{
		{"short", 100, "short"},
		{"a_rather_long_name_of_a_task", 100, "a_rather_long…"},
		{"two\nlines\tand a tab\x00", 500, "two lines and a tab"},
		{"left\u202eright\u200b", 500, "leftright"},
		{"bad\xffbytes", 500, "badbytes"},
		{"日本語のとても長い名前", 60, "日本…"},
		{"", 10, ""},
	} {
		got, width := fitted(test.text, labelSize, test.most)
		if got != test.want || width > test.most || width != widthOf(got, labelSize) {
			t.Errorf("%q within %v: got %q of %v, want %q", test.text, test.most, got, width, test.want)
		}
	}
}
