package measure_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
)

func TestPercentile(t *testing.T) {
	t.Parallel()
	var hundred measure.Times
	for i := range 100 {
		hundred = append(hundred, time.Duration(100-i)) // 100 … 1
	}
	for _, tc := range []struct {
		times measure.Times
		p     float64
		want  time.Duration
	}{
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 99.5, 100},
		{hundred, 0, 1},
		{hundred, 100, 100},
		{measure.Times{7}, 99, 7},
		{measure.Times{3, 1, 2}, 50, 2},
		{nil, 50, 0},
	} {
		if got := tc.times.Percentile(tc.p); got != tc.want {
			t.Errorf("%v%% of %d times: got %d, want %d", tc.p, len(tc.times), got, tc.want)
		}
	}
	if hundred[0] != 100 {
		t.Error("the times were put into another order")
	}
}

func TestGeometricMean(t *testing.T) {
	t.Parallel()
	if got := measure.GeometricMean([]float64{0.5, 2, 8}); got < 1.999 || got > 2.001 {
		t.Errorf("got %v, want 2", got)
	}
}

func TestRounds(t *testing.T) {
	t.Parallel()
	var order []string
	var workers atomic.Int32
	contender := func(name string) measure.Contender {
		return measure.Contender{Name: name, Worker: func(context.Context) (func(context.Context) error, error) {
			workers.Add(1)
			return func(context.Context) error {
				if len(order) == 0 || order[len(order)-1] != name {
					order = append(order, name)
				}
				return nil
			}, nil
		}}
	}
	results, err := measure.Rounds(t.Context(), measure.Plan{Rounds: 4, Least: 3, Workers: 1},
		[]measure.Contender{contender("a"), contender("b"), contender("c")})
	if err != nil {
		t.Fatal(err)
	}
	// Once each beforehand, then whoever is next begins a round.
	if want := []string{"a", "b", "c", "a", "b", "c", "b", "c", "a", "c", "a", "b", "a", "b", "c"}; !slices.Equal(order, want) {
		t.Errorf("got order %v, want %v", order, want)
	}
	for i, r := range results {
		if r.Name != string(rune('a'+i)) || len(r.Half[0]) != 6 || len(r.Half[1]) != 6 || len(r.All()) != 12 || r.PerSecond() == 0 {
			t.Errorf("got %+v, want 6 times in each half of %c", r, 'a'+i)
		}
	}
	if got := workers.Load(); got != 3 {
		t.Errorf("got %d workers, want 3", got)
	}
}

func TestRoundsRunsWorkersTogether(t *testing.T) {
	t.Parallel()
	met := make(chan bool)
	warm := atomic.Int32{}
	results, err := measure.Rounds(t.Context(), measure.Plan{Rounds: 2, Least: 1, Workers: 2}, []measure.Contender{{
		Name: "a", Worker: func(context.Context) (func(context.Context) error, error) {
			return func(context.Context) error {
				if warm.Add(1) <= 2 {
					return nil
				}
				select {
				case met <- true:
				case <-met:
				}
				return nil
			}, nil
		},
	}})
	if err != nil || len(results[0].All()) != 4 {
		t.Errorf("got %v, %v, want 4 times", results, err)
	}
}

func TestRoundsNamesWhoFailed(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	runs := 0
	_, err := measure.Rounds(t.Context(), measure.Plan{Rounds: 2, Least: 1, Workers: 1}, []measure.Contender{{
		Name: "a", Worker: func(context.Context) (func(context.Context) error, error) {
			return func(context.Context) error {
				if runs++; runs > 2 {
					return broken
				}
				return nil
			}, nil
		},
	}})
	if !errors.Is(err, broken) || err.Error() != "a: broken" {
		t.Errorf("got %v, want a: broken", err)
	}
}

func TestDrift(t *testing.T) {
	t.Parallel()
	r := measure.Result{Half: [2]measure.Times{{10, 10, 10}, {15, 15, 15}}}
	if got := r.Drift(); got != 0.5 {
		t.Errorf("got %v, want 0.5", got)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	table := measure.Table{{"host", "p50"}}
	table.Add("ours", 1234*time.Microsecond)
	table.Add("a", 76*time.Microsecond)
	table.Add("µ", 12345.6)
	want := `| host | p50     |
| ---- | ------- |
| ours | 1.23 ms |
| a    | 76 µs   |
| µ    | 12346   |
`
	if got := table.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
