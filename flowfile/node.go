package flowfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

type kind string

const (
	kindNull    kind = "null"
	kindBool    kind = "a boolean"
	kindNumber  kind = "a number"
	kindString  kind = "a string"
	kindList    kind = "a list"
	kindMapping kind = "a mapping"
)

// node is a value of the file, in JSON's terms, with its place.
type node struct {
	kind    kind
	at      pos
	text    string // of a scalar; of a number and a boolean, as in JSON
	quoted  bool
	block   byte // '|' or '>' of a block scalar
	items   []*node
	entries []*entry
	size    int // nodes in it, aliases counted in full
}

// entry is one key of a mapping.
type entry struct {
	key   string
	at    pos
	value *node
}

func (n *node) get(key string) *node {
	for _, e := range n.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// shown is the value as messages have it: of a list or a mapping the kind alone.
func (n *node) shown() string {
	switch n.kind {
	case kindNumber, kindBool:
		return n.text
	case kindString:
		return strconv.Quote(n.text)
	}
	return string(n.kind)
}

// place is where a fault of the entry's value is shown.
func (e *entry) place() pos {
	if e.value.at.line == e.at.line {
		return e.value.at
	}
	return e.at
}

// The bound on what aliases may multiply a file to, in nodes.
const maxNodes = 1 << 20

// converter makes nodes of YAML's syntax tree.
type converter struct {
	anchors map[string]*node
	fault   func(at pos, format string, args ...any)
	nodes   int
}

func tokenPos(t *token.Token) pos {
	if t == nil || t.Position == nil {
		return pos{1, 1}
	}
	return pos{max(1, t.Position.Line), max(1, t.Position.Column)}
}

// node converts n. It never returns nil: what cannot be converted is reported,
// and null.
func (c *converter) node(n ast.Node) *node {
	out := c.convert(n)
	out.size = 1
	for _, i := range out.items {
		out.size += i.size
	}
	for _, e := range out.entries {
		out.size += e.value.size
	}
	return out
}

func (c *converter) convert(n ast.Node) *node {
	switch x := n.(type) {
	case nil:
		return &node{kind: kindNull, at: pos{1, 1}}
	case *ast.AnchorNode:
		v := c.node(x.Value)
		if x.Name != nil {
			c.anchors[x.Name.GetToken().Value] = v
		}
		return v
	case *ast.AliasNode:
		return c.alias(x)
	case *ast.TagNode:
		return c.tag(x)
	case *ast.MappingNode:
		return c.mapping(x.Start, x.IsFlowStyle, x.Values)
	case *ast.MappingValueNode:
		return c.mapping(x.Start, false, []*ast.MappingValueNode{x})
	case *ast.SequenceNode:
		out := &node{kind: kindList, at: tokenPos(x.Start)}
		for _, v := range x.Values {
			out.items = append(out.items, c.node(v))
		}
		return out
	}
	return c.scalar(n)
}

func (c *converter) alias(x *ast.AliasNode) *node {
	at := tokenPos(x.Start)
	name := ""
	if x.Value != nil {
		name = x.Value.GetToken().Value
	}
	v, ok := c.anchors[name]
	if !ok {
		c.fault(at, "no anchor &%s before this alias", name)
		return &node{kind: kindNull, at: at}
	}
	if c.nodes += v.size; c.nodes > maxNodes {
		c.fault(at, "aliases make the file larger than %d values", maxNodes)
		return &node{kind: kindNull, at: at}
	}
	same := *v
	same.at = at
	return &same
}

func (c *converter) tag(x *ast.TagNode) *node {
	at := tokenPos(x.Start)
	v := c.node(x.Value)
	switch x.Start.Value {
	case "!!str":
		if v.kind == kindList || v.kind == kindMapping {
			c.fault(at, "!!str wants a scalar, not %s", v.kind)
			return v
		}
		if x.Value != nil && v.kind != kindString {
			v.text = x.Value.GetToken().Value
		}
		v.kind = kindString
	case "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq":
	default:
		c.fault(at, "the tag %s is not supported", x.Start.Value)
	}
	return v
}

func (c *converter) mapping(start *token.Token, flow bool, values []*ast.MappingValueNode) *node {
	out := &node{kind: kindMapping, at: tokenPos(start)}
	if !flow && len(values) > 0 {
		out.at = tokenPos(values[0].Key.GetToken())
	}
	var merged []*entry
	seen := map[string]pos{}
	for _, v := range values {
		at := tokenPos(v.Key.GetToken())
		if _, ok := v.Key.(*ast.MergeKeyNode); ok {
			merged = append(merged, c.merge(c.node(v.Value))...)
			continue
		}
		key, ok := c.key(v.Key)
		if !ok {
			continue
		}
		if first, dup := seen[key]; dup {
			c.fault(at, "the key %q is here twice; first in line %d", key, first.line)
			continue
		}
		seen[key] = at
		out.entries = append(out.entries, &entry{key: key, at: at, value: c.node(v.Value)})
	}
	for _, e := range merged {
		if _, set := seen[e.key]; !set {
			seen[e.key] = e.at
			out.entries = append(out.entries, e)
		}
	}
	return out
}

// merge returns the entries that << brings in.
func (c *converter) merge(v *node) []*entry {
	switch v.kind {
	case kindMapping:
		return v.entries
	case kindList:
		var all []*entry
		for _, i := range v.items {
			all = append(all, c.merge(i)...)
		}
		return all
	}
	c.fault(v.at, "<< wants a mapping, not %s", v.kind)
	return nil
}

func (c *converter) key(k ast.Node) (string, bool) {
	if m, ok := k.(*ast.MappingKeyNode); ok {
		k = m.Value
	}
	n := c.node(k)
	if n.kind == kindList || n.kind == kindMapping {
		c.fault(n.at, "a key is a string, not %s", n.kind)
		return "", false
	}
	if n.kind == kindString {
		return n.text, true
	}
	return k.GetToken().Value, true
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

func (c *converter) scalar(n ast.Node) *node {
	tk := n.GetToken()
	out := &node{kind: kindString, at: tokenPos(tk)}
	switch x := n.(type) {
	case *ast.NullNode:
		out.kind = kindNull
	case *ast.BoolNode:
		out.kind, out.text = kindBool, strconv.FormatBool(x.Value)
	case *ast.LiteralNode:
		out.at, out.text, out.block = tokenPos(x.Start), x.Value.Value, '|'
		if strings.HasPrefix(x.Start.Value, ">") {
			out.block = '>'
		}
	case *ast.StringNode:
		out.text = x.Value
		out.quoted = tk.Type == token.DoubleQuoteType || tk.Type == token.SingleQuoteType
		// The parser takes 1e9 and numbers beyond 64 bits for strings.
		if !out.quoted && jsonNumber.MatchString(x.Value) {
			c.number(out, x.Value)
		}
	case *ast.IntegerNode:
		if c.number(out, tk.Value); out.kind != kindNumber {
			out.kind, out.text = kindNumber, fmt.Sprint(x.Value)
		}
	case *ast.FloatNode:
		if c.number(out, tk.Value); out.kind != kindNumber {
			out.kind, out.text = kindNumber, strconv.FormatFloat(x.Value, 'g', -1, 64)
		}
	case *ast.InfinityNode, *ast.NanNode:
		c.fault(out.at, "%s has no form in JSON", tk.Value)
		out.kind = kindNull
	default:
		c.fault(out.at, "this kind of YAML node is not supported here")
		out.kind = kindNull
	}
	return out
}

// number makes out the number text, if it is one as JSON writes them. A whole
// one with an exponent, as 1e9, becomes an integer.
func (c *converter) number(out *node, text string) {
	if !jsonNumber.MatchString(text) {
		return
	}
	out.kind, out.text = kindNumber, text
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		c.fault(out.at, "the number %s is out of range", text)
		out.text = "0"
		return
	}
	if strings.ContainsAny(text, "eE") && f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
		out.text = strconv.FormatInt(int64(f), 10)
	}
}

// json is the value as JSON, keys in the order of the file.
func (n *node) json() json.RawMessage {
	var b bytes.Buffer
	n.write(&b)
	return b.Bytes()
}

func (n *node) write(b *bytes.Buffer) {
	switch n.kind {
	case kindNull:
		b.WriteString("null")
	case kindBool, kindNumber:
		b.WriteString(n.text)
	case kindString:
		b.Write(quote(n.text))
	case kindList:
		b.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				b.WriteByte(',')
			}
			item.write(b)
		}
		b.WriteByte(']')
	case kindMapping:
		b.WriteByte('{')
		for i, e := range n.entries {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(quote(e.key))
			b.WriteByte(':')
			e.value.write(b)
		}
		b.WriteByte('}')
	}
}

// quote writes s as a JSON string.
func quote(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return bytes.TrimRight(b.Bytes(), "\n")
}
