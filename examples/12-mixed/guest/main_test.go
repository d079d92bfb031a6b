package main

import (
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/sdk"
)

func TestPrepare(t *testing.T) {
	t.Parallel()
	got, err := prepare.Call(nil, Question{CSV: "# made up\nlength, width\n1,10\n3,30\nbroken\n2,NaN\n2,10\n", Clusters: 2})
	if want := "3 2 2\n0 0 \n1 1 \n0.5 0 \n"; err != nil || got.Points != want || got.Skipped != 2 || got.Columns[1] != (Column{"width", 10, 30}) {
		t.Errorf("got %+v, %v, want points %q", got, err, want)
	}
	for csv, want := range map[string]string{"": "no measurements", "a,b\n1,2\n": "2 clusters of 1 rows"} {
		if _, err := prepare.Call(nil, Question{CSV: csv, Clusters: 2}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", csv, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	prepared := Prepared{Points: "3 1 2\n0\n0.2\n1\n"}
	right := Clusters{Centers: [][]float64{{0.1}, {1}}, Of: []int{0, 0, 1}}
	for _, test := range []struct {
		of   []int
		want string
	}{
		{of: []int{0, 0, 1}},
		{of: []int{0, 1, 1}, want: "point 1 is in cluster 1, and nearer to 0"},
		{of: []int{0, 0}, want: "2 points are in clusters, want 3"},
		{of: []int{0, 0, 2}, want: "cluster 2, there are 2"},
	} {
		in := right
		in.Of = test.of
		got, err := check.Call(sdk.NewLocal(sdk.LocalConfig{Results: map[string]any{"prepare": prepared}}), in)
		switch {
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%v: got %v, want %q", test.of, err, test.want)
		case test.want == "" && (err != nil || round(got.Spread, 6) != round(0.02/3, 6)):
			t.Errorf("%v: got %v, %v", test.of, got.Spread, err)
		}
	}
}
