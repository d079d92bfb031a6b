package main

import "math"

// Range is the numbers from From up to To, without To.
type Range struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Count is what was found in a range.
type Count struct {
	Range
	Primes int `json:"primes"`
	First  int `json:"first,omitempty" doc:"the least prime; 0 if there is none"`
	Last   int `json:"last,omitempty" doc:"the greatest prime; 0 if there is none"`
	Gap
}

// Gap is the widest distance between two primes that follow one another, the first
// such one.
type Gap struct {
	Width int `json:"width"`
	After int `json:"after,omitempty" doc:"the prime before it"`
}

// wider is the one of two gaps that is wider; g, which is before other, if none is.
func (g Gap) wider(other Gap) Gap {
	if other.Width > g.Width {
		return other
	}
	return g
}

// add takes in the next prime.
func (c *Count) add(prime int) {
	if c.Primes == 0 {
		c.First = prime
	} else {
		c.Gap = c.wider(Gap{prime - c.Last, c.Last})
	}
	c.Primes++
	c.Last = prime
}

// join is what is found in c's range and the one that follows it.
func (c Count) join(next Count) Count {
	c.To = next.To
	if next.Primes == 0 {
		return c
	}
	if c.Primes == 0 {
		c.First = next.First
	} else {
		c.Gap = c.wider(Gap{next.First - c.Last, c.Last})
	}
	c.Gap = c.wider(next.Gap)
	c.Primes += next.Primes
	c.Last = next.Last
	return c
}

// split cuts the numbers from 0 up to and with limit into so many ranges, or less.
func split(limit, parts int) []Range {
	width := limit/parts + 1
	var all []Range
	for from := 0; from <= limit; from += width {
		all = append(all, Range{from, min(from+width, limit+1)})
	}
	return all
}

// count finds the primes of a range, by Eratosthenes's sieve.
func (r Range) count() Count {
	c := Count{Range: r}
	if r.From <= 2 && r.To > 2 {
		c.add(2)
	}
	first := max(r.From, 3) | 1 // then odd numbers only: composite[i] is first+2i
	if first >= r.To {
		return c
	}
	composite := make([]bool, (r.To-first+1)/2)
	for _, p := range oddPrimes(int(math.Sqrt(float64(r.To))) + 1) {
		multiple := max(p*p, (first+p-1)/p*p)
		if multiple%2 == 0 {
			multiple += p
		}
		for i := (multiple - first) / 2; i < len(composite); i += p {
			composite[i] = true
		}
	}
	for i, is := range composite {
		if !is {
			c.add(first + 2*i)
		}
	}
	return c
}

// oddPrimes are those up to a limit.
func oddPrimes(limit int) []int {
	composite := make([]bool, limit+1)
	var all []int
	for p := 3; p <= limit; p += 2 {
		if composite[p] {
			continue
		}
		all = append(all, p)
		for i := p * p; i <= limit; i += 2 * p {
			composite[i] = true
		}
	}
	return all
}
