package wasmhost

import (
	"errors"
	"maps"
	"slices"
)

// Within caps limits by a maximum: a limit above it becomes it, and one that is
// left to its default too, if the default is above it. A zero field of most sets
// no maximum. The result is never more than l or than most, and capping it again
// changes nothing.
func (l Limits) Within(most Limits) Limits {
	l.Timeout = narrow(l.Timeout, most.Timeout, 0)
	for _, f := range []struct {
		asked           *int64
		most, byDefault int64
	}{
		{&l.Fuel, most.Fuel, 0},
		{&l.Memory, most.Memory, DefaultMemory},
		{&l.Stack, most.Stack, DefaultStack},
		{&l.TableElements, most.TableElements, DefaultTableElements},
		{&l.OutputBytes, most.OutputBytes, DefaultOutputBytes},
		{&l.LogBytes, most.LogBytes, DefaultLogBytes},
		{&l.OpenFiles, most.OpenFiles, DefaultOpenFiles},
		{&l.DiskBytes, most.DiskBytes, DefaultDiskBytes},
		{&l.HostCalls, most.HostCalls, 0},
		{&l.HTTPRequests, most.HTTPRequests, DefaultHTTPRequests},
		{&l.HTTPBytes, most.HTTPBytes, DefaultHTTPBytes},
		{&l.ChannelOps, most.ChannelOps, DefaultChannelOps},
	} {
		*f.asked = narrow(*f.asked, f.most, f.byDefault)
	}
	return l
}

// narrow caps one limit. What is not positive is left open: most sets no maximum
// then, asked is the default, and a default of 0 is no limit.
func narrow[T ~int64](asked, most, byDefault T) T {
	asked = max(asked, 0)
	if most <= 0 {
		return asked
	}
	if asked == 0 {
		asked = byDefault
	}
	if asked == 0 {
		return most
	}
	return min(asked, most)
}

// Within checks grants against a maximum. What exceeds it is an error that names
// every fault; nothing is taken away in silence. What g leaves open of Channel,
// Control, Clock and Random becomes what most allows. With a nil most all is
// allowed, but what can't be read, as a malformed host, is still refused.
//
// The rules, by field:
//   - Mounts: links are resolved, and the directory must be one of most or below
//     it; Writable needs a writable one. Guest paths are free, and so are trees
//     in memory and their files: they need nothing of the machine.
//   - Env, Config: the names must be in most; their values are free.
//   - HTTP: all that a host pattern matches must be matched by patterns of most.
//   - HTTPNetworks: each network must lie in one of most.
//   - Secrets, Tools: the names must be in most.
//   - Clock: virtual is less than coarse, coarse is less than real; Start is free.
//     Random: seeded is less than secure, and a seed is free; most's is for who
//     names none.
//   - Channel, Control: true is more than false.
//
// Among names in most, "*" allows all. Grants that come with an error are not to
// be used.
func (g Grants) Within(most *Grants) (Grants, error) {
	limited := most != nil
	if !limited {
		most = &Grants{}
		if len(g.HTTP)+len(g.HTTPNetworks) > 0 { // not for each call: most have none
			most.HTTP, most.HTTPNetworks = []string{"*:*"}, []string{"0.0.0.0/0", "::/0"}
		}
	}
	if g.Random == "" && most.Random == RandomSeeded && g.Seed == 0 {
		g.Seed = most.Seed
	}
	errs := slices.Concat(
		narrowWord("clock", clocks, &g.Clock, most.Clock),
		narrowWord("random", randoms, &g.Random, most.Random),
		narrowHTTP(g.HTTP, most.HTTP),
		narrowNetworks(g.HTTPNetworks, most.HTTPNetworks),
	)
	if limited {
		g.Mounts = slices.Clone(g.Mounts)
		errs = slices.Concat(errs,
			narrowFlag("channel", &g.Channel, most.Channel),
			narrowFlag("control", &g.Control, most.Control),
			narrowNames("secrets", g.Secrets, most.Secrets),
			narrowNames("tools", g.Tools, most.Tools),
			narrowNames("env", keys(g.Env), keys(most.Env)),
			narrowNames("config", keys(g.Config), keys(most.Config)),
			narrowMounts(g.Mounts, most.Mounts),
		)
	}
	if err := errors.Join(errs...); err != nil {
		return Grants{}, err
	}
	return g, nil
}

func keys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
