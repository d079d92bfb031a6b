package flowfile

import (
	"fmt"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
)

// connect reads what joins the tasks: operators first, then the groups' options
// and members, then explicit edges.
func (r *reader) connect(flow, groups, edges *node) {
	known := r.known(groups)
	if flow != nil {
		r.flow(flow, known)
	}
	if groups != nil {
		r.groups(groups)
	}
	if edges != nil {
		r.edges(edges)
	}
}

// known are the ids that `flow:` may name.
func (r *reader) known(groups *node) []string {
	var ids []string
	for _, t := range r.file.Spec.Tasks {
		ids = append(ids, t.ID)
	}
	if groups != nil {
		for _, e := range groups.entries {
			ids = append(ids, e.key)
		}
	}
	return ids
}

func (r *reader) flow(n *node, known []string) {
	if n.kind != kindString {
		r.want(n, "a text, as a >> (b | c) >> d")
		r.noBuild = true
		return
	}
	where := r.file.textPlaces(n)
	chains, ok := parseFlow(n.text, func(offset int, message string) { r.fault(where(offset), "%s", message) })
	r.noBuild = r.noBuild || !ok
	named := map[string]bool{}
	for _, c := range chains {
		c.tree.walk(func(e expression) {
			if e.op == '|' && e.name != "" {
				if named[e.name] {
					r.fault(where(e.offset), "the group %q is made twice; refer to it by its name alone", e.name)
					r.noBuild = true
				}
				named[e.name] = true
				known = append(known, e.name)
			}
		})
	}
	for _, c := range chains {
		r.chain(c, where, known)
	}
}

// chain adds one chain to the spec, and notes where its parts are.
func (r *reader) chain(c chain, where func(int) pos, known []string) {
	s, places := &r.file.Spec, r.file.places
	first, last := map[string]pos{}, map[string]pos{}
	c.tree.walk(func(e expression) {
		if e.name == "" {
			return
		}
		p := where(e.offset)
		if _, ok := first[e.name]; !ok {
			first[e.name] = p
		}
		last[e.name] = p
		if e.op == 0 && !slices.Contains(known, e.name) {
			r.fault(p, "flow: no task or group %q%s", e.name, suggest(e.name, known))
			r.noBuild = true
		}
	})
	groups, edges := len(s.Groups), len(s.Edges)
	s.Connect(c.tree.node())
	start := where(c.offset)
	for _, g := range s.Groups[groups:] {
		places["groups."+g.ID] = placeOr(first, g.ID, start)
		for m, member := range g.Members {
			places[fmt.Sprintf("groups.%s.members[%d]", g.ID, m)] = placeOr(first, member.ID, start)
		}
	}
	for i, e := range s.Edges[edges:] {
		at := fmt.Sprintf("edges[%d]", edges+i)
		places[at] = placeOr(last, e.To, start)
		places[at+".from"] = placeOr(first, e.From, start)
		places[at+".to"] = placeOr(last, e.To, start)
	}
}

func placeOr(places map[string]pos, id string, other pos) pos {
	if p, ok := places[id]; ok {
		return p
	}
	return other
}

func (r *reader) groups(n *node) {
	if n.kind != kindMapping {
		r.fault(n.at, "groups: want a mapping of ids to groups, not %s", n.kind)
		return
	}
	s := &r.file.Spec
	for _, e := range n.entries {
		at := "groups." + e.key
		i := slices.IndexFunc(s.Groups, func(g engine.Group) bool { return g.ID == e.key })
		g := engine.Group{ID: e.key}
		inFlow := i >= 0
		if inFlow {
			g = s.Groups[i]
		} else {
			r.file.places[at] = e.at
		}
		r.fields(fmt.Sprintf("group %q", e.key), at, e.value, map[string]func(string, *node){
			"policy": func(at string, n *node) { g.Policy = r.policy(at, n) }, "max_concurrency": r.optionalInteger(&g.MaxConcurrency),
			"supersteps": r.integer(&g.Supersteps), "timeout": r.duration(&g.Timeout),
			"members": func(at string, n *node) {
				if inFlow {
					r.fault(n.at, "group %q has its members in flow; want them in one place", e.key)
					return
				}
				g.Members = r.members(at, n)
			},
		})
		switch {
		case inFlow:
			s.Groups[i] = g
		case e.value.get("members") == nil:
			if !r.noBuild {
				r.fault(e.at, "group %q has no members: use it in flow, as %s(a | b)", e.key, e.key)
			}
		default:
			s.Groups = append(s.Groups, g)
		}
	}
}

// policy reads strict, best_effort, {at_least: n}, {critical: [ids]} or
// {custom: name}.
func (r *reader) policy(at string, n *node) engine.Policy {
	const wanted = "strict, best_effort, {at_least: n}, {critical: [ids]} or {custom: name}"
	var p engine.Policy
	switch {
	case n.kind == kindString && n.text == "strict":
	case n.kind == kindString && n.text == "best_effort":
		p.BestEffort = true
	case n.kind == kindMapping && len(n.entries) == 1:
		r.fields("policy", at, n, map[string]func(string, *node){
			"at_least": func(at string, n *node) {
				before := len(r.errs)
				if r.integer(&p.AtLeast)(at, n); len(r.errs) == before && p.AtLeast < 1 {
					r.want(n, "1 or more")
				}
			},
			"critical": r.names(&p.Critical), "custom": r.text(&p.Custom),
		})
	case n.kind == kindMapping:
		r.fault(n.at, "want one policy: %s", wanted)
	default:
		r.want(n, wanted)
	}
	return p
}

// members reads a list of branches: an id, a list of ids, or {id, nodes}.
func (r *reader) members(at string, n *node) []engine.Member {
	if n.kind != kindList {
		r.want(n, "a list of ids")
		return nil
	}
	var all []engine.Member
	for i, item := range n.items {
		path := fmt.Sprintf("%s[%d]", at, i)
		r.file.places[path] = item.at
		var m engine.Member
		switch item.kind {
		case kindList:
			r.names(&m.Nodes)(path, item)
		case kindMapping:
			r.fields("member", path, item, map[string]func(string, *node){"id": r.text(&m.ID), "nodes": r.names(&m.Nodes)})
		default:
			var id string
			r.text(&id)(path, item)
			m.Nodes = []string{id}
		}
		if item.get("id") == nil && len(m.Nodes) > 0 {
			m.ID = m.Nodes[len(m.Nodes)-1]
		}
		all = append(all, m)
	}
	return all
}

// edges reads explicit edges. One that `flow:` has as well gives it its
// condition.
func (r *reader) edges(n *node) {
	if n.kind != kindList {
		r.want(n, "a list of {from: a, to: b}")
		return
	}
	s := &r.file.Spec
	inFlow := len(s.Edges)
	for _, item := range n.items {
		var e engine.Edge
		path := fmt.Sprintf("edges[%d]", len(s.Edges))
		if item.kind != kindMapping {
			r.want(item, "an edge, as {from: a, to: b}")
			continue
		}
		at := slices.IndexFunc(s.Edges[:inFlow], func(o engine.Edge) bool {
			from, to := item.get("from"), item.get("to")
			return o.When == "" && from != nil && to != nil && o.From == from.text && o.To == to.text
		})
		if at >= 0 {
			path = fmt.Sprintf("edges[%d]", at)
		}
		r.edge(path, item, &e)
		if at >= 0 {
			s.Edges[at].When = e.When
			continue
		}
		s.Edges = append(s.Edges, e)
	}
}

func (r *reader) edge(path string, n *node, e *engine.Edge) {
	r.file.places[path] = n.at
	r.fields("edge", path, n, map[string]func(string, *node){
		"from": r.text(&e.From), "to": r.text(&e.To), "when": r.text(&e.When),
	})
	for _, key := range []string{"from", "to"} {
		if n.get(key) == nil {
			r.fault(n.at, "edge: the key %q is missing", key)
		}
	}
}
