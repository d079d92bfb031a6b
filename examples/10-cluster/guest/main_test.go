package main

import (
	"math/big"
	"testing"
)

// TestKnown holds what all ranges have together against what is known.
func TestKnown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		limit, primes int
		gap           Gap
	}{
		{2, 1, Gap{}},
		{3, 2, Gap{1, 2}},
		{4, 2, Gap{1, 2}},
		{10, 4, Gap{2, 3}},
		{100, 25, Gap{8, 89}},
		{1000, 168, Gap{20, 887}},
		{1_000_000, 78498, Gap{114, 492113}},
		{10_000_000, 664579, Gap{154, 4652353}},
	} {
		for _, parts := range []int{1, 2, 3, 7, 200} {
			got := answer(t, test.limit, parts)
			got.Ranges = 0
			if want := (Answer{Limit: test.limit, Primes: test.primes, Gap: test.gap}); got != want {
				t.Errorf("%d parts: got %+v, want %+v", parts, got, want)
			}
		}
	}
}

// answer asks the tasks in turn, as the flow does.
func answer(t *testing.T, limit, parts int) Answer {
	t.Helper()
	all, err := ranges.Call(nil, Question{limit, parts})
	if err != nil || len(all) > parts {
		t.Fatalf("%d parts of %d: got %d, %v", parts, limit, len(all), err)
	}
	counts := make([]Count, len(all))
	for i, r := range all {
		if counts[i], err = count.Call(nil, r); err != nil {
			t.Fatal(err)
		}
	}
	got, err := total.Call(nil, counts)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// FuzzCount asks of each number of a range by itself whether it is prime.
func FuzzCount(f *testing.F) {
	f.Add(0, 30)
	f.Add(2, 1)
	f.Add(999_999_900, 110)
	f.Add(9, 1)
	f.Add(25, 0)
	f.Fuzz(func(t *testing.T, from, width int) {
		if from < 0 || from > 10_000_000_000 || width < 0 || width > 10_000 {
			t.Skip()
		}
		want := Count{Range: Range{from, from + width}}
		for n := from; n < from+width; n++ {
			if big.NewInt(int64(n)).ProbablyPrime(0) { // exact below 2^64
				want.add(n)
			}
		}
		if got := want.count(); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, q := range []Question{{1, 1}, {-5, 2}, {10, 0}} {
		if got, err := ranges.Call(nil, q); err == nil {
			t.Errorf("%+v: got %v, want an error", q, got)
		}
	}
	twice := []Count{{Range: Range{0, 5}}, {Range: Range{5, 10}}, {Range: Range{5, 10}}}
	if got, err := total.Call(nil, twice); err == nil {
		t.Errorf("a range that is there twice: got %+v, want an error", got)
	}
	if got, err := total.Call(nil, append(twice[:1:1], Count{Range: Range{6, 10}})); err == nil {
		t.Errorf("a number that is missing: got %+v, want an error", got)
	}
}
