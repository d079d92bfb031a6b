package wasmhost

import (
	"slices"
	"strconv"
)

// shapeOf is what a guest may see of its call while it initializes, as a key:
// its name, environment, mount points, clock and randomness, which are always the
// same for a reproducible initialization. Sandboxes of one
// shape share a snapshot; nothing else that a call is given can be in it.
func shapeOf(opt Options) string {
	key := make([]byte, 0, 64)
	add := func(texts ...string) {
		for _, text := range texts {
			key = append(strconv.AppendInt(key, int64(len(text)), 10), ':')
			key = append(key, text...)
		}
		key = append(key, '/')
	}
	if opt.Reproducible {
		add(opt.Name, "reproducible")
	} else {
		add(opt.Name, opt.Grants.Clock, opt.Grants.Random)
	}
	add(opt.Grants.environ()...)
	for _, m := range opt.Grants.Mounts {
		add(m.Guest)
	}
	return string(key)
}

// environ is the environment as a guest finds it, sorted.
func (g Grants) environ() []string {
	if len(g.Env) == 0 {
		return nil
	}
	pairs := make([]string, 0, len(g.Env))
	for key, value := range g.Env {
		pairs = append(pairs, key+"="+value)
	}
	slices.Sort(pairs)
	return pairs
}
