package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
)

// expression is a compiled expr-lang expression. It is safe for concurrent use.
type expression struct {
	text    string
	program *vm.Program
}

// The budget of one evaluation, so that no expression holds the engine up.
const exprMemoryBudget = 1_000_000

// exprNames are the variables that expressions may use.
type exprNames struct {
	Result  any            `expr:"result"`
	Input   any            `expr:"input"`
	Tasks   map[string]any `expr:"tasks"`
	Channel map[string]any `expr:"channel"`
	Item    any            `expr:"item"`
	Error   any            `expr:"error"`
}

// CompileExpr checks the syntax of an expression and the names that it uses.
func CompileExpr(text string) error {
	_, err := compileExpr(text)
	return err
}

func compileExpr(text string) (*expression, error) {
	p, err := expr.Compile(text, expr.Env(exprNames{}), expr.MaxNodes(10_000))
	if err != nil {
		return nil, fmt.Errorf("expression %q: %s", text, strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return &expression{text: text, program: p}, nil
}

// eval returns the expression's value in JSON's terms.
func (e *expression) eval(names exprNames) (any, error) {
	machine := vm.VM{MemoryBudget: exprMemoryBudget}
	v, err := machine.Run(e.program, names)
	if err != nil {
		return nil, fmt.Errorf("expression %q: %s", e.text, strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return v, nil
}

// decodeValue turns JSON into what expressions work on: whole numbers become
// int, so that they print and compare as they were written.
func decodeValue(raw json.RawMessage) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return plainNumbers(v), nil
}

func plainNumbers(v any) any {
	switch x := v.(type) {
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return int(n)
		}
		f, _ := x.Float64()
		return f
	case []any:
		for i := range x {
			x[i] = plainNumbers(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = plainNumbers(x[k])
		}
	}
	return v
}

// templates finds the ${…} of a string: its literal pieces and, between them,
// the expressions' texts. len(literals) == len(exprs)+1. Braces inside an
// expression nest; strings in it may hold braces.
func templates(s string) (literals, exprs []string, err error) {
	for {
		open := strings.Index(s, "${")
		if open < 0 {
			return append(literals, s), exprs, nil
		}
		end := closingBrace(s, open+2)
		if end < 0 {
			return nil, nil, fmt.Errorf("%q: ${ without its }", s)
		}
		literals = append(literals, s[:open])
		exprs = append(exprs, strings.TrimSpace(s[open+2:end]))
		s = s[end+1:]
	}
}

// braces is how a byte changes the nesting.
var braces = map[byte]int{'{': 1, '}': -1}

func closingBrace(s string, from int) int {
	depth, quote := 1, byte(0)
	for i := from; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0:
			switch c {
			case '\\':
				i++
			case quote:
				quote = 0
			}
		case strings.IndexByte("\"'`", c) >= 0:
			quote = c
		case c == '}' && depth == 1:
			return i
		default:
			depth += braces[c]
		}
	}
	return -1
}
