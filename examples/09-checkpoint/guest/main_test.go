package main

import (
	"encoding/json"
	"math/big"
	"testing"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

// TestKnown holds the test against all exponents whose answer is known.
func TestKnown(t *testing.T) {
	t.Parallel()
	primes := map[int]bool{
		3: true, 5: true, 7: true, 13: true, 17: true, 19: true, 31: true, 61: true, 89: true, 107: true, 127: true, 521: true, 607: true,
	}
	for exponent := 3; exponent < 1000; exponent++ {
		state, err := check.Call(nil, Question{Exponent: exponent})
		if prime := big.NewInt(int64(exponent)).ProbablyPrime(20); (err == nil) != prime {
			t.Errorf("%d: got %v, but prime is %t", exponent, err, prime)
		}
		if err != nil {
			continue
		}
		if state, err = state.advance(exponent); err != nil {
			t.Fatal(err)
		}
		verdict, err := report.Call(nil, state)
		if err != nil || verdict.Prime != primes[exponent] {
			t.Errorf("%d: got %+v, %v, want prime: %t", exponent, verdict, err, primes[exponent])
		}
	}
	for _, exponent := range []int{-3, 0, 1, 2, 4, 9} {
		if _, err := check.Call(nil, Question{Exponent: exponent}); err == nil {
			t.Errorf("%d: it is taken", exponent)
		}
	}
}

// TestCycles goes through the cycles as an engine would: what one hands to the
// next is all there is, and the last term is that of a test in one go.
func TestCycles(t *testing.T) {
	t.Parallel()
	start := State{Exponent: 2203}
	state, marks := start, []string{}
	l := sdk.NewLocal(sdk.LocalConfig{})
	for cycle := 1; ; cycle++ {
		l.SetMeta(abi.Meta{Cycle: cycle, CanIterate: true})
		got, err := test.Call(l, state)
		if err != nil {
			t.Fatal(err)
		}
		e := l.Effects()
		for _, c := range e.Checkpoints {
			marks = append(marks, c.Name+" "+string(c.Meta))
		}
		if !e.Iterates {
			state = got
			break
		}
		state = State{}
		if err := json.Unmarshal(e.Iteration, &state); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := start.advance(5000); err != nil || state != want || want.Term != "0" || want.Step != 2201 {
		t.Errorf("got %+v, want %+v, %v", state, want, err)
	}
	if len(marks) != 2 {
		t.Fatalf("got the checkpoints %q, want two", marks)
	}
	half, _ := start.advance(1000) // as above
	residue, _ := half.residue()
	if want := `step-1000 {"step":1000,"of":2201,"residue":"` + residue + `"}`; marks[0] != want {
		t.Errorf("got the checkpoint %s, want %s", marks[0], want)
	}
}

func TestBrokenState(t *testing.T) {
	t.Parallel()
	for _, state := range []State{{Exponent: 7, Step: 2, Term: "xyz"}, {Exponent: 7, Step: 2}} {
		if got, err := test.Call(nil, state); err == nil {
			t.Errorf("%+v: got %+v, want an error", state, got)
		}
	}
}

// FuzzReduce holds reduce against a division.
func FuzzReduce(f *testing.F) {
	f.Add([]byte{1}, 3)
	f.Add([]byte{7}, 3)
	f.Add([]byte{63}, 3)
	f.Add([]byte{255, 255, 255, 255}, 5)
	f.Fuzz(func(t *testing.T, data []byte, exponent int) {
		if exponent < 2 || exponent > 1000 {
			t.Skip()
		}
		for _, offset := range []int64{0, -1, -2} {
			n, modulus := new(big.Int).SetBytes(data), mersenne(exponent)
			n.Add(n, big.NewInt(offset))
			want := new(big.Int).Mod(n, modulus)
			if got := reduce(n, new(big.Int), modulus, exponent); got.Cmp(want) != 0 {
				t.Errorf("%x %+d modulo 2^%d-1: got %x, want %x", data, offset, exponent, got, want)
			}
		}
	})
}
