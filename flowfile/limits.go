package flowfile

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// sizeKeys are the limits that may be written as 64KiB.
var sizeKeys = []string{"memory", "output_bytes", "log_bytes", "disk_bytes"}

// limits turns sizes into numbers of bytes; the rest is for the handler.
func (r *reader) limits(at string, n *node) json.RawMessage {
	return r.passed(at, n, "a mapping, as {memory: 64MiB, output_bytes: 1MiB}", func(e *entry) *node {
		if slices.Contains(sizeKeys, e.key) {
			return r.size(e.value)
		}
		return e.value
	})
}

// grants resolves the host paths of mounts; the rest is for the handler.
func (r *reader) grants(at string, n *node) json.RawMessage {
	return r.passed(at, n, "a mapping, as {mounts: [{host: ./data, guest: /data}]}", func(e *entry) *node {
		switch e.key {
		case "secrets":
			r.fault(e.at, "secrets is not supported by this version")
		case "mounts":
			return r.mounts(e.value)
		}
		return e.value
	})
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
	"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
}

// size reads a number of bytes, with or without a unit.
func (r *reader) size(n *node) *node {
	if n.kind == kindNumber {
		if v, err := strconv.ParseInt(n.text, 10, 64); err == nil && v >= 0 {
			return n
		}
	}
	number := strings.TrimRight(n.text, "BKMGTikb ")
	unit, known := units[strings.TrimSpace(n.text[len(number):])]
	v, err := strconv.ParseFloat(number, 64)
	if n.kind != kindString || !known || err != nil || !(v >= 0 && v*float64(unit) < 1<<62) {
		r.want(n, "a size, as 64KiB, 16MiB or 1GiB")
		return n
	}
	return &node{kind: kindNumber, at: n.at, text: strconv.FormatInt(int64(v*float64(unit)), 10)}
}

func (r *reader) mounts(n *node) *node {
	if n.kind != kindList {
		r.want(n, "a list of {host: ./data, guest: /data}")
		return n
	}
	same := &node{kind: kindList}
	for _, item := range n.items {
		var host, guest string
		var writable bool
		r.fields("mount", "mounts", item, map[string]func(string, *node){
			"host": r.text(&host), "guest": r.text(&guest), "writable": r.boolean(&writable),
		})
		mount := &node{kind: kindMapping}
		for _, e := range item.entries {
			v := e.value
			if e.key == "host" && host != "" {
				v = &node{kind: kindString, text: relative(r.file.Dir, host)}
			}
			mount.entries = append(mount.entries, &entry{key: e.key, value: v})
		}
		same.items = append(same.items, mount)
	}
	return same
}
