package main

import (
	"fmt"
	"math/big"
)

// State is a test at work: the term s(Step) of the series s(0) = 4,
// s(i+1) = s(i)² - 2 modulo 2^Exponent - 1. The number is prime if s(Exponent-2)
// is 0, and only then.
type State struct {
	Exponent int    `json:"exponent"`
	Step     int    `json:"step,omitempty"`
	Term     string `json:"term,omitempty" doc:"hexadecimal; 4 if absent"`
}

// last is the step after which the test is over.
func (s State) last() int { return s.Exponent - 2 }

// term is the number that Term stands for.
func (s State) term() (*big.Int, error) {
	if s.Term == "" && s.Step == 0 {
		return big.NewInt(4), nil
	}
	n, ok := new(big.Int).SetString(s.Term, 16)
	if !ok {
		return nil, fmt.Errorf("the term of step %d is no hexadecimal number", s.Step)
	}
	return n, nil
}

// residue is the low 64 bits of the term, by which tests are compared.
func (s State) residue() (string, error) {
	n, err := s.term()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%016X", n.And(n, new(big.Int).SetUint64(1<<64-1))), nil
}

// advance is the test up to so many steps later, or its last.
func (s State) advance(steps int) (State, error) {
	n, err := s.term()
	if err != nil {
		return s, err
	}
	end := min(s.Step+steps, s.last())
	modulus := mersenne(s.Exponent)
	var high big.Int
	for ; s.Step < end; s.Step++ {
		n.Mul(n, n).Sub(n, big.NewInt(2))
		n = reduce(n, &high, modulus, s.Exponent)
	}
	s.Term = n.Text(16)
	return s, nil
}

// reduce is n modulo 2^exponent - 1, in place. 2^exponent is 1 there, so that the
// high bits are added to the low ones; n may be -1 or -2 at first.
func reduce(n, high, modulus *big.Int, exponent int) *big.Int {
	if n.Sign() < 0 {
		n.Add(n, modulus)
	}
	for n.BitLen() > exponent {
		high.Rsh(n, uint(exponent))
		n.And(n, modulus).Add(n, high)
	}
	if n.Cmp(modulus) == 0 {
		n.SetInt64(0)
	}
	return n
}

// mersenne is 2^exponent - 1.
func mersenne(exponent int) *big.Int {
	one := big.NewInt(1)
	return new(big.Int).Sub(new(big.Int).Lsh(one, uint(exponent)), one)
}
