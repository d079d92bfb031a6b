// Command guest reads measurements, checks the clusters that a container found in them,
// and tells of them.
package main

import "github.com/graflow/graflow-wasm/sdk"

func main() {}

// Question is what there is to be read.
type Question struct {
	CSV      string `json:"csv"`
	Clusters int    `json:"clusters"`
}

// Prepared has each column scaled to 0…1, so that none outweighs another.
type Prepared struct {
	Columns []Column `json:"columns"`
	Points  string   `json:"points"` // "POINTS DIMENSIONS CLUSTERS", then the coordinates
	Skipped int      `json:"skipped"`
}

var prepare = sdk.Task("prepare", "reads measurements, and scales them", func(c *sdk.Context, in Question) (Prepared, error) {
	t, err := read(in.CSV)
	if err != nil {
		return Prepared{}, sdk.Permanent(err)
	}
	if t.skipped > 0 {
		c.Log("%d lines have no numbers", t.skipped)
	}
	if in.Clusters < 1 || in.Clusters > len(t.rows) {
		return Prepared{}, sdk.Permanent(sdk.Fail(sdk.KindInvalidInput, "%d clusters of %d rows", in.Clusters, len(t.rows)))
	}
	return Prepared{Columns: t.columns(), Points: t.points(in.Clusters), Skipped: t.skipped}, nil
})

// Clusters are what the container found.
type Clusters struct {
	GPUs    int         `json:"gpus"`
	Rounds  int         `json:"rounds"`
	Centers [][]float64 `json:"centers"`
	Of      []int       `json:"of"` // the cluster of each point
}

// Checked are clusters that are right, and how far from their centers their points are.
type Checked struct {
	Clusters
	Spread float64 `json:"spread"` // mean of the squares
}

var check = sdk.Task("check", "wants each point in the cluster whose center is nearest", func(c *sdk.Context, in Clusters) (Checked, error) {
	prepared, err := sdk.ResultOf[Prepared](c, "prepare")
	if err != nil {
		return Checked{}, err
	}
	points, err := readPoints(prepared.Points)
	if err != nil {
		return Checked{}, sdk.Permanent(err)
	}
	spread, err := in.check(points)
	if err != nil {
		return Checked{}, sdk.Permanent(sdk.Fail("wrong_clusters", "%v", err))
	}
	return Checked{Clusters: in, Spread: spread}, nil
})

// Report is the flow's output.
type Report struct {
	Rows     int                  `json:"rows"`
	GPUs     int                  `json:"gpus"`
	Spread   float64              `json:"spread"`
	Clusters []map[string]float64 `json:"clusters"` // rows, and the center in the columns' own units
}

var report = sdk.Task("report", "tells of the clusters in the units of the measurements", func(c *sdk.Context, in Checked) (Report, error) {
	prepared, err := sdk.ResultOf[Prepared](c, "prepare")
	if err != nil {
		return Report{}, err
	}
	return Report{Rows: len(in.Of), GPUs: in.GPUs, Spread: round(in.Spread, 4), Clusters: in.describe(prepared.Columns)}, nil
})

//go:wasmexport prepare
func _prepare() int32 { return prepare.Run() }

//go:wasmexport check
func _check() int32 { return check.Run() }

//go:wasmexport report
func _report() int32 { return report.Run() }
