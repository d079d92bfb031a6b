package cell

import "context"

// Examine starts a cell, which tells from inside which walls stand.
func Examine() Report {
	p, err := New(Config{Max: 1})
	if err != nil {
		return Report{Problem: err.Error()}
	}
	defer p.Close() //nolint:errcheck // it never fails
	c, err := p.Get(context.Background(), Want{Tenant: "examine"})
	if err != nil {
		return Report{Problem: err.Error()}
	}
	defer c.Done()
	return c.Walls()
}
