package flowfile

import (
	"fmt"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/engine"
)

// Parentheses may be this deep.
const maxDepth = 200

// chain is one line of `flow:`, parsed.
type chain struct {
	offset int
	tree   expression
}

// expression is a node of the operators' syntax tree.
type expression struct {
	op     byte // 0: a reference, '>': a sequence, '|': a group
	name   string
	offset int
	nodes  []expression
}

// node is the expression in the engine's words.
func (e expression) node() engine.Node {
	all := make([]engine.Node, len(e.nodes))
	for i, n := range e.nodes {
		all[i] = n.node()
	}
	switch e.op {
	case '>':
		return engine.Seq(all...)
	case '|':
		if e.name != "" {
			return engine.Par(all...).Named(e.name)
		}
		return engine.Par(all...)
	}
	return engine.Ref(e.name)
}

// walk calls f for e and all that is in it.
func (e expression) walk(f func(expression)) {
	f(e)
	for _, n := range e.nodes {
		n.walk(f)
	}
}

// symbol is a token of `flow:`. Its kind is 'i' (a name), '>', '|', '(', ')',
// '\n' (a chain ends) or 0 (the text ends).
type symbol struct {
	kind   byte
	text   string
	offset int
}

// operators is a recursive-descent parser:
//
//	flow     = { group newline } .
//	group    = sequence { "|" sequence } .
//	sequence = atom { ">>" atom } .
//	atom     = name [ "(" group ")" ] | "(" group ")" .
type operators struct {
	symbols []symbol
	next    int
	depth   int
	fault   func(offset int, message string)
}

// parseFlow parses the text of `flow:`. After a fault it goes on with the next
// line; ok tells that there was none.
func parseFlow(text string, fault func(offset int, message string)) (chains []chain, ok bool) {
	ok = true
	p := &operators{fault: func(offset int, message string) {
		ok = false
		fault(offset, message)
	}}
	p.scan(text)
	for p.peek().kind != 0 {
		if p.peek().kind == '\n' {
			p.next++
			continue
		}
		start := p.peek().offset
		if tree, good := p.group(); good && p.end() {
			chains = append(chains, chain{start, tree})
			continue
		}
		for p.peek().kind != 0 && p.peek().kind != '\n' {
			p.next++
		}
	}
	return chains, ok
}

// scan fills p.symbols. A newline ends a chain unless it is in parentheses or
// beside an operator.
func (p *operators) scan(text string) {
	depth := 0
	for i := 0; i < len(text); {
		c := text[i]
		start := i
		switch {
		case c == ' ' || c == '\t' || c == '\r':
			i++
			continue
		case c == '#':
			for i < len(text) && text[i] != '\n' {
				i++
			}
			continue
		case c == '\n':
			if i++; depth > 0 || len(p.symbols) == 0 || isOperator(p.last().kind) {
				continue
			}
			p.symbols = append(p.symbols, symbol{kind: '\n', offset: start})
			continue
		case nameByte(c):
			for i < len(text) && nameByte(text[i]) {
				i++
			}
			p.symbols = append(p.symbols, symbol{'i', text[start:i], start})
			continue
		case c == '>' && i+1 < len(text) && text[i+1] == '>':
			i++
		case c == '(':
			depth++
		case c == ')':
			depth = max(0, depth-1)
		case c != '|':
			r, size := utf8.DecodeRuneInString(text[i:])
			p.fault(start, fmt.Sprintf("unexpected %q in flow; want task ids, >>, | and parentheses", r))
			i += size
			continue
		}
		i++
		if isOperator(c) && len(p.symbols) > 0 && p.last().kind == '\n' {
			p.symbols = p.symbols[:len(p.symbols)-1]
		}
		p.symbols = append(p.symbols, symbol{c, text[start:i], start})
	}
	p.symbols = append(p.symbols, symbol{kind: 0, offset: len(text)})
}

func (p *operators) last() symbol { return p.symbols[len(p.symbols)-1] }
func (p *operators) peek() symbol { return p.symbols[p.next] }
func isOperator(kind byte) bool   { return kind == '>' || kind == '|' }

func nameByte(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// end reports what is left over in a chain.
func (p *operators) end() bool {
	s := p.peek()
	switch s.kind {
	case 0, '\n':
		return true
	case ')':
		p.fault(s.offset, "this ) closes no (")
	default:
		p.fault(s.offset, fmt.Sprintf("unexpected %q; want >>, | or the end of the line before it", s.text))
	}
	return false
}

func (p *operators) group() (expression, bool) { return p.list('|', p.sequence) }

func (p *operators) sequence() (expression, bool) { return p.list('>', p.atom) }

// list parses what op separates; one alone is itself.
func (p *operators) list(op byte, item func() (expression, bool)) (expression, bool) {
	first, ok := item()
	if !ok || p.peek().kind != op {
		return first, ok
	}
	all := expression{op: op, offset: first.offset, nodes: []expression{first}}
	for p.peek().kind == op {
		p.next++
		n, ok := item()
		if !ok {
			return n, false
		}
		all.nodes = append(all.nodes, n)
	}
	return all, true
}

func (p *operators) atom() (expression, bool) {
	s := p.peek()
	switch s.kind {
	case 'i':
		p.next++
		if p.peek().kind != '(' {
			return expression{name: s.text, offset: s.offset}, true
		}
		inner, ok := p.parentheses()
		if inner.op != '|' || inner.name != "" {
			inner = expression{op: '|', nodes: []expression{inner}}
		}
		inner.name, inner.offset = s.text, s.offset
		return inner, ok
	case '(':
		return p.parentheses()
	}
	p.fault(s.offset, "want a task id or ( here, not "+s.name())
	return expression{}, false
}

func (p *operators) parentheses() (expression, bool) {
	open := p.peek()
	if p.depth++; p.depth > maxDepth {
		p.fault(open.offset, fmt.Sprintf("parentheses are nested more than %d deep", maxDepth))
		return expression{}, false
	}
	defer func() { p.depth-- }()
	p.next++
	inner, ok := p.group()
	if !ok {
		return inner, false
	}
	if s := p.peek(); s.kind != ')' {
		if s.kind == 0 {
			p.fault(open.offset, "this ( is not closed")
		} else {
			p.fault(s.offset, "want >>, | or ) here, not "+s.name())
		}
		return inner, false
	}
	p.next++
	return inner, true
}

func (s symbol) name() string {
	switch s.kind {
	case 0:
		return "the end of the flow"
	case '\n':
		return "the end of the line"
	}
	return fmt.Sprintf("%q", s.text)
}
