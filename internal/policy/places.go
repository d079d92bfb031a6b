package policy

import (
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/flowfile"
)

// places are the values of a document by their paths, as "grants.mounts[1].host".
type places map[string]flowfile.Value

func (p places) note(path string, v flowfile.Value) {
	p[path] = v
	switch v.Kind() {
	case flowfile.Mapping:
		for _, e := range v.Entries() {
			p.note(strings.TrimPrefix(path+"."+e.Key, "."), e.Value)
		}
	case flowfile.List:
		for i, item := range v.Items() {
			p.note(fmt.Sprintf("%s[%d]", path, i), item)
		}
	}
}

// at is the value at a path, or what holds it.
func (p places) at(path string) flowfile.Value {
	for path != "" {
		if v, ok := p[path]; ok {
			return v
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return p[""]
}
