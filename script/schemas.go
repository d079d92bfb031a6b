package script

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// maxSchemas is how many compiled schemas are kept.
const maxSchemas = 1024

// schemas keeps compiled schemas by their text: tools are given anew for each run.
type schemas struct {
	mu       sync.Mutex
	compiled map[string]*checker // guarded by mu
}

// checker checks values against a schema.
type checker struct {
	schema *jsonschema.Schema
	shape  *shape // what of it is quick to check; nil: nothing
}

// compile is the schema of a document, nil if that is empty.
func (s *schemas) compile(document json.RawMessage) (*checker, error) {
	if len(document) == 0 || bytes.Equal(document, []byte("null")) {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if compiled, ok := s.compiled[string(document)]; ok {
		return compiled, nil
	}
	compiled, err := compileSchema(document)
	if err != nil {
		return nil, err
	}
	if s.compiled == nil || len(s.compiled) >= maxSchemas {
		s.compiled = map[string]*checker{}
	}
	s.compiled[string(document)] = compiled
	return compiled, nil
}

// noFiles refuses what a schema refers to outside of itself.
type noFiles struct{}

func (noFiles) Load(url string) (any, error) {
	return nil, fmt.Errorf("%q is outside of the schema, which has to stand for itself", url)
}

func compileSchema(document json.RawMessage) (*checker, error) {
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noFiles{})
	compiler.DefaultDraft(jsonschema.Draft2020)
	const name = "tool.json"
	if err := compiler.AddResource(name, tree); err != nil {
		return nil, err
	}
	schema, err := compiler.Compile(name)
	if err != nil {
		return nil, err
	}
	c := &checker{schema: schema}
	if tree, err := parse(document); err == nil {
		c.shape = shapeOf(tree)
	}
	return c, nil
}

// misfits checks a value, and says all that is wrong with it, each with its place:
// "q: missing; limit[2]: got string, want integer". What it says is bounded.
func misfits(c *checker, tree any) string {
	if c.shape.fits(tree) {
		return ""
	}
	err := c.schema.Validate(tree)
	if err == nil {
		return ""
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err.Error()
	}
	const most = 5
	faults := leaves(*invalid.DetailedOutput(), nil)
	if len(faults) > most {
		faults = append(faults[:most], "…")
	}
	return strings.Join(faults, "; ")
}

// leaves are the faults that have no others as their causes.
func leaves(u jsonschema.OutputUnit, found []string) []string {
	for _, cause := range u.Errors {
		found = leaves(cause, found)
	}
	if len(u.Errors) > 0 || u.Error == nil {
		return found
	}
	text := u.Error.String()
	if place := placeOf(u.InstanceLocation); place != "" {
		text = place + ": " + text
	}
	return append(found, text)
}

// placeOf writes a JSON pointer as code would write the place: filters.tags[3].
func placeOf(pointer string) string {
	var b strings.Builder
	_, steps, _ := strings.Cut(pointer, "/")
	if steps == "" {
		return ""
	}
	for i, step := range strings.Split(steps, "/") {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		switch _, err := strconv.Atoi(step); {
		case err == nil:
			b.WriteString("[" + step + "]")
		case i == 0:
			b.WriteString(step)
		default:
			b.WriteString("." + step)
		}
	}
	return b.String()
}
