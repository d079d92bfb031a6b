// Command guest counts primes, range by range, and looks for the widest gap between
// two of them.
package main

import "github.com/graflow/graflow-wasm/sdk"

func main() {}

// Question asks for the primes up to Limit, in so many Parts.
type Question struct {
	Limit int `json:"limit"`
	Parts int `json:"parts"`
}

var ranges = sdk.Task("ranges", "cuts the numbers up to a limit into ranges", func(_ *sdk.Context, in Question) ([]Range, error) {
	if in.Limit < 2 || in.Parts < 1 {
		return nil, sdk.Permanent(sdk.Fail(sdk.KindInvalidInput, "%d parts of the numbers up to %d: want 1 or more, and 2 or more", in.Parts, in.Limit))
	}
	return split(in.Limit, in.Parts), nil
})

var count = sdk.Task("count", "counts the primes of one range", func(c *sdk.Context, in Range) (Count, error) {
	c.Log("from %d up to %d", in.From, in.To) // a line for each execution
	return in.count(), nil
})

// Answer is what all ranges have together.
type Answer struct {
	Limit  int `json:"limit"`
	Ranges int `json:"ranges"`
	Primes int `json:"primes"`
	Gap    Gap `json:"gap"`
}

var total = sdk.Task("total", "adds up what the ranges have", func(_ *sdk.Context, in []Count) (Answer, error) {
	sum := Count{}
	for i, c := range in {
		if c.From != sum.To {
			return Answer{}, sdk.Permanent(sdk.Fail("not_adjacent", "range %d begins with %d, want %d", i, c.From, sum.To))
		}
		sum = sum.join(c)
	}
	return Answer{Limit: sum.To - 1, Ranges: len(in), Primes: sum.Primes, Gap: sum.Gap}, nil
})

//go:wasmexport ranges
func _ranges() int32 { return ranges.Run() }

//go:wasmexport count
func _count() int32 { return count.Run() }

//go:wasmexport total
func _total() int32 { return total.Run() }
