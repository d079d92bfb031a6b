//go:build wasip1

// Command cpu holds programs that only compute. Each task is an export without
// input; a wrong result traps, so that no compiler may skip the work.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
)

func main() {}

func check(ok bool) int32 {
	if !ok {
		panic("wrong result")
	}
	return 0
}

//go:noinline
func fibonacci(n int) int {
	if n < 2 {
		return n
	}
	return fibonacci(n-1) + fibonacci(n-2)
}

//go:wasmexport fib
func fib() int32 { return check(fibonacci(30) == 832040) }

// fill is what the programs work on: the same bytes each time.
func fill(data []byte) {
	x := uint32(1)
	for i := range data {
		x = x*1664525 + 1013904223
		data[i] = byte(x >> 24)
	}
}

//go:wasmexport sha256
func hash() int32 {
	data := make([]byte, 64<<10)
	fill(data)
	sum := sha256.Sum256(data)
	for range 60 {
		copy(data, sum[:])
		sum = sha256.Sum256(data)
	}
	return check(sum != [32]byte{})
}

//go:wasmexport sort
func sort() int32 {
	data := make([]int, 200_000)
	x := uint32(1)
	for i := range data {
		x = x*1664525 + 1013904223
		data[i] = int(x >> 8)
	}
	slices.Sort(data)
	return check(slices.IsSorted(data))
}

type record struct {
	Name  string             `json:"name"`
	Tags  []string           `json:"tags"`
	Score map[string]float64 `json:"score"`
}

//go:wasmexport json
func codec() int32 {
	records := make([]record, 400)
	for i := range records {
		records[i] = record{
			Name: "record \"quoted\" and plain", Tags: []string{"a", "bb", "ccc"},
			Score: map[string]float64{"x": float64(i) / 3, "y": float64(i)},
		}
	}
	for range 4 {
		data, err := json.Marshal(records)
		if err != nil {
			panic(err)
		}
		var back []record
		if err := json.Unmarshal(data, &back); err != nil {
			panic(err)
		}
		records = back
	}
	return check(len(records) == 400 && records[3].Score["x"] == 1)
}

//go:wasmexport matmul
func matmul() int32 {
	const n = 200
	a, b, c := make([]float64, n*n), make([]float64, n*n), make([]float64, n*n)
	for i := range a {
		a[i], b[i] = float64(i%7), float64(i%5)
	}
	for i := range n {
		for j := range n {
			var sum float64
			for k := range n {
				sum += a[i*n+k] * b[k*n+j]
			}
			c[i*n+j] = sum
		}
	}
	return check(c[n*n-1] > 0)
}
