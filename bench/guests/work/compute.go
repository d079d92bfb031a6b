package work

import "crypto/sha256"

// Fibonacci calls itself a million times. A wrong result traps, so that no compiler
// may skip the work; the status is 0.
func Fibonacci() int32 { return check(fibonacci(30) == 832040) }

//go:noinline
func fibonacci(n int) int {
	if n < 2 {
		return n
	}
	return fibonacci(n-1) + fibonacci(n-2)
}

// Hash hashes 64 KiB sixteen times, each time with the sum before.
func Hash() int32 {
	data := make([]byte, 64<<10)
	x := uint32(1)
	for i := range data {
		x = x*1664525 + 1013904223
		data[i] = byte(x >> 24)
	}
	var sum [sha256.Size]byte
	for range 16 {
		sum = sha256.Sum256(data)
		copy(data, sum[:])
	}
	return check(sum != [sha256.Size]byte{})
}

func check(ok bool) int32 {
	if !ok {
		panic("wrong result")
	}
	return 0
}
