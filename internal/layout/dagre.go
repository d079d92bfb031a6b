package layout

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

//go:embed built
var built embed.FS

//go:embed dagre.js
var driver string

// Library is dagre, as it was there when the program was compiled.
type Library struct {
	Version string `json:"version"`
	SHA256  string `json:"sha256"` // of Source
	Source  string `json:"-"`      // JavaScript, which defines the global dagre
}

// MissingError says that dagre was not there when the program was compiled.
type MissingError struct{}

// Error implements error; it tells the command that gets dagre.
func (*MissingError) Error() string {
	return "this program was built without dagre, which draws graphs with fewer crossings: get it with `make dagre` and build again"
}

// Dagre answers the library. It fails with a *MissingError.
func Dagre() (Library, error) { return openLibrary(built) }

func openLibrary(files fs.FS) (Library, error) {
	about, err := fs.ReadFile(files, "built/dagre.json")
	if errors.Is(err, fs.ErrNotExist) {
		return Library{}, &MissingError{}
	}
	if err != nil {
		return Library{}, fmt.Errorf("dagre: %w", err)
	}
	var l Library
	if err := json.Unmarshal(about, &l); err != nil {
		return Library{}, fmt.Errorf("dagre: dagre.json: %w; run `make dagre` again", err)
	}
	source, err := fs.ReadFile(files, "built/dagre.min.js")
	if errors.Is(err, fs.ErrNotExist) {
		return Library{}, &MissingError{}
	}
	if err != nil {
		return Library{}, fmt.Errorf("dagre: %w", err)
	}
	l.Source = string(source)
	return l, nil
}

// dagre arranges by the library of that name, in a sandbox.
type dagre struct {
	sandbox *script.Sandbox
	library Library
	timeout time.Duration
}

var _ arranger = (*dagre)(nil)

func (d *dagre) name() string { return "dagre " + d.library.Version }

// order is what dagre.js takes of one part.
type order struct {
	Ranks []int    `json:"ranks"`
	Links [][3]int `json:"links"`
}

// answer is what it gives.
type answer struct {
	Nodes []float64   `json:"nodes"`
	Bends [][]float64 `json:"bends"`
}

func (d *dagre) arrange(ctx context.Context, all []layers) ([]placing, error) {
	orders := make([]order, len(all))
	for i, l := range all {
		orders[i] = order{Ranks: l.ranks, Links: make([][3]int, len(l.links))}
		for j, k := range l.links {
			orders[i].Links[j] = [3]int{k.from, k.to, k.weight}
		}
	}
	result, err := d.sandbox.Run(ctx, script.JavaScript, d.library.Source+"\n"+driver, script.Options{
		File: "dagre.js", Input: orders,
		Limits: wasmhost.Limits{Timeout: d.timeout, Memory: 256 << 20, OutputBytes: 16 << 20},
	})
	if err != nil {
		return nil, fmt.Errorf("run dagre: %w", err)
	}
	var answers []answer
	if err := json.Unmarshal(result.Value, &answers); err != nil {
		return nil, fmt.Errorf("read what dagre answers: %w", err)
	}
	if len(answers) != len(all) {
		return nil, fmt.Errorf("dagre answers for %d graphs, want %d", len(answers), len(all))
	}
	placings := make([]placing, len(all))
	for i, a := range answers {
		if placings[i], err = a.placing(all[i]); err != nil {
			return nil, fmt.Errorf("read what dagre answers: %w", err)
		}
	}
	return placings, nil
}

// placing puts nodes and bends into the order of an answer, whatever it is.
func (a answer) placing(l layers) (placing, error) {
	r := newRanked(l)
	if len(a.Nodes) != len(l.sizes) || len(a.Bends) != len(l.links) {
		return placing{}, fmt.Errorf("%d nodes and %d edges, want %d and %d", len(a.Nodes), len(a.Bends), len(l.sizes), len(l.links))
	}
	position := make([]float64, len(r.size))
	copy(position, a.Nodes)
	for i, bends := range r.bends {
		if len(a.Bends[i]) != len(bends) {
			return placing{}, fmt.Errorf("%d bends of an edge, want %d", len(a.Bends[i]), len(bends))
		}
		for j, bend := range bends {
			position[bend] = a.Bends[i][j]
		}
	}
	for _, row := range r.rows {
		slices.SortStableFunc(row, func(x, y int) int { return cmp.Compare(position[x], position[y]) })
	}
	// From some orders the sweeps come to a better end than from that of dagre.
	if own := newRanked(l); own.improve() < r.improve() {
		r = own
	}
	r.upright()
	return r.placing(r.places()), nil
}
