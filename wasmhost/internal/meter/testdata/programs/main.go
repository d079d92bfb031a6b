// Command programs are the CPU-bound programs that the cost of metering is
// measured with. It is built for wasip1 as a reactor.
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
)

func main() {}

//go:wasmexport fib
func fib(n int32) int32 {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

//go:wasmexport sha256
func hash(rounds int32) int32 {
	block := make([]byte, 4096)
	for range rounds {
		sum := sha256.Sum256(block)
		copy(block, sum[:])
	}
	return int32(binary.LittleEndian.Uint32(block))
}

//go:wasmexport sort
func sort(n int32) int32 {
	list := make([]int32, n)
	x := uint32(1)
	for i := range list {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		list[i] = int32(x)
	}
	slices.Sort(list)
	return list[n/2]
}

type record struct {
	Name   string            `json:"name"`
	Values []float64         `json:"values"`
	Tags   map[string]string `json:"tags"`
}

//go:wasmexport json
func encode(rounds int32) int32 {
	r := record{Name: "metering", Values: []float64{1, 2.5, 3e10, -4}, Tags: map[string]string{"a": "b", "c": "d"}}
	length := 0
	for range rounds {
		text, err := json.Marshal(r)
		if err != nil {
			return -1
		}
		var back record
		if err := json.Unmarshal(text, &back); err != nil {
			return -2
		}
		length += len(text)
	}
	return int32(length)
}

//go:wasmexport matmul
func matmul(n int32) float64 {
	size := int(n)
	a, b, c := make([]float64, size*size), make([]float64, size*size), make([]float64, size*size)
	for i := range a {
		a[i], b[i] = float64(i), float64(i%7)
	}
	for i := range size {
		for j := range size {
			sum := 0.0
			for k := range size {
				sum += a[i*size+k] * b[k*size+j]
			}
			c[i*size+j] = sum
		}
	}
	return c[size+1]
}
