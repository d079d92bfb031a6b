package flowfile

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// Keys of the sandbox's limits and grants. Those of a container are in docker.go,
// those of a task of another handler are for that handler to know.
var (
	sizeKeys  = []string{"memory", "stack", "output_bytes", "log_bytes", "disk_bytes", "http_bytes"}
	countKeys = []string{"fuel", "table_elements", "open_files", "host_calls", "http_requests", "channel_ops"}
	limitKeys = slices.Concat([]string{"timeout"}, sizeKeys, countKeys)

	listKeys  = []string{"http", "http_networks", "secrets", "tools", "spawn"}
	pairKeys  = []string{"env", "config"}
	flagKeys  = []string{"channel", "control", "allow_secret_output"}
	grantKeys = slices.Concat([]string{"mounts", "clock", "random", "seed"}, listKeys, pairKeys, flagKeys)

	words = map[string][]string{"clock": {"real", "coarse", "virtual"}, "random": {"secure", "seeded"}}
)

// limits turns sizes and counts into plain numbers.
func (r *reader) limits(at string, n *node, t *engine.Task) json.RawMessage {
	return r.passed(at, n, "a mapping, as {memory: 64MiB, fuel: 1e9}", func(e *entry) *node {
		known := limitKeysOf(t)
		switch {
		case known != nil && !slices.Contains(known, e.key):
			r.notOf(t, "limits", e, known)
		case slices.Contains(sizeKeys, e.key):
			return r.size(e.value)
		case known == nil:
		case e.key == "cpus":
			r.processors(e.value)
		case e.key == "timeout":
			r.positive(e.value)
		default:
			return r.count(e.value)
		}
		return e.value
	})
}

func (r *reader) processors(n *node) {
	v, err := strconv.ParseFloat(n.text, 64)
	if n.kind != kindNumber && n.kind != kindString || err != nil || !(v >= 0.01 && v <= 1<<16) {
		r.want(n, "a number of processors from 0.01 on, as 0.5 or 2")
	}
}

// grants resolves the paths of mounts and of modules to spawn.
func (r *reader) grants(at string, n *node, t *engine.Task) json.RawMessage {
	return r.passed(at, n, "a mapping, as {mounts: [{host: ./data, guest: /data}]}", func(e *entry) *node {
		known := grantKeysOf(t)
		switch {
		case known != nil && !slices.Contains(known, e.key):
			r.notOf(t, "grants", e, known)
			return e.value
		case e.key == "mounts":
			return r.mounts(at+".mounts", e.value)
		case known == nil:
			return e.value
		case e.key == "spawn" && t.Handler == "docker": // images, which are no paths
			r.names(new([]string))(at+".spawn", e.value)
			return e.value
		}
		return r.grant(at+"."+e.key, e)
	})
}

// grant checks one grant of the sandbox by its form; what hosts and networks
// mean is for the sandbox to say.
func (r *reader) grant(at string, e *entry) *node {
	switch {
	case e.key == "spawn":
		return r.spawn(at, e.value)
	case slices.Contains(listKeys, e.key):
		var items []string
		r.names(&items)(at, e.value)
	case slices.Contains(pairKeys, e.key):
		r.pairs(e)
	case slices.Contains(flagKeys, e.key):
		r.boolean(new(bool))("", e.value)
	case e.key == "seed":
		if _, err := strconv.ParseUint(e.value.text, 10, 64); e.value.kind != kindNumber || err != nil {
			r.want(e.value, "a whole number")
		}
	default:
		if e.value.kind != kindString || !slices.Contains(words[e.key], e.value.text) {
			r.want(e.value, "one of "+strings.Join(words[e.key], ", "))
		}
	}
	return e.value
}

func (r *reader) pairs(e *entry) {
	if e.value.kind != kindMapping {
		r.want(e.value, "a mapping of names to strings")
		return
	}
	for _, pair := range e.value.entries {
		if pair.value.kind != kindString {
			r.fault(pair.place(), "%s.%s: want a string, not %s; quote it to make it one", e.key, pair.key, pair.value.kind)
		}
	}
}

// spawn resolves what is a short name or a path, as a task's module.
func (r *reader) spawn(at string, n *node) *node {
	var patterns []string
	r.names(&patterns)(at, n)
	same := &node{kind: kindList, at: n.at}
	for _, pattern := range patterns {
		same.items = append(same.items, &node{kind: kindString, text: r.module(pattern)})
	}
	return same
}

// passed is a mapping for a handler, each value as read makes it.
func (r *reader) passed(at string, n *node, want string, read func(*entry) *node) json.RawMessage {
	if n.kind != kindMapping {
		r.want(n, want)
		return nil
	}
	same := &node{kind: kindMapping}
	for _, e := range n.entries {
		r.file.places[at+"."+e.key] = e.place()
		same.entries = append(same.entries, &entry{key: e.key, value: read(e)})
	}
	return same.json()
}

var units = map[string]int64{
	"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
}

// size reads a number of bytes, with or without a unit.
func (r *reader) size(n *node) *node {
	number, unit := n.text, int64(1)
	if n.kind == kindString {
		number = strings.TrimRight(n.text, "BKMGTikb ")
		unit = units[strings.TrimSpace(n.text[len(number):])] // 0 if unknown
	}
	return r.whole(n, number, unit, "a size above 0, as 64KiB, 16MiB or 1GiB")
}

// count reads a whole number, which may be quoted.
func (r *reader) count(n *node) *node {
	return r.whole(n, n.text, 1, "a whole number above 0, as 1000 or 1e9")
}

// whole is number times unit as a whole number of at most 2^53, which is exact.
func (r *reader) whole(n *node, number string, unit int64, want string) *node {
	v, err := strconv.ParseFloat(number, 64)
	v *= float64(unit)
	if n.kind != kindNumber && n.kind != kindString || err != nil || !(v > 0 && v <= 1<<53) || v != math.Trunc(v) {
		r.want(n, want)
		return n
	}
	return &node{kind: kindNumber, at: n.at, text: strconv.FormatInt(int64(v), 10)}
}

func (r *reader) positive(n *node) {
	if d, err := time.ParseDuration(n.text); n.kind != kindString || err != nil || d <= 0 {
		r.want(n, "a duration above 0 with a unit, as 300ms, 10s or 1h")
	}
}

func (r *reader) mounts(at string, n *node) *node {
	if n.kind != kindList {
		r.want(n, "a list of {host: ./data, guest: /data}")
		return n
	}
	same := &node{kind: kindList}
	for i, item := range n.items {
		same.items = append(same.items, r.mount(fmt.Sprintf("%s[%d]", at, i), item))
	}
	return same
}

func (r *reader) mount(at string, n *node) *node {
	var host, guest string
	var writable, memory bool
	r.fields("mount", at, n, map[string]func(string, *node){
		"host": r.text(&host), "guest": r.text(&guest), "writable": r.boolean(&writable), "memory": r.boolean(&memory),
	})
	same := &node{kind: kindMapping}
	for _, e := range n.entries {
		v := e.value
		if e.key == "host" && host != "" {
			v = &node{kind: kindString, text: r.file.path(host)}
		}
		same.entries = append(same.entries, &entry{key: e.key, value: v})
	}
	return same
}
