package flowfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// noLoader keeps schemas from reading files or the network.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("a schema cannot refer to %s: only to itself", url)
}

// A schema has this name where it refers to itself.
const schemaURL = "flow:schema"

func compileSchema(raw json.RawMessage) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, err
	}
	return c.Compile(schemaURL)
}

// leaves are the faults that have no finer ones below them.
func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var all []*jsonschema.ValidationError
	for _, c := range e.Causes {
		all = append(all, leaves(c)...)
	}
	return all
}

// leafMessage is what is wrong, without where.
func leafMessage(e *jsonschema.ValidationError) string {
	if out := e.BasicOutput(); out.Error != nil {
		return out.Error.String()
	}
	return e.Error()
}

// CheckInput validates a run's input against the file's `input:` schema. The
// error names every place in the input that is wrong, and what is wanted. No
// input at all is null.
func (f *File) CheckInput(input json.RawMessage) error {
	if len(bytes.TrimSpace(input)) == 0 {
		input = json.RawMessage("null")
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(input))
	if err != nil {
		return fmt.Errorf("check input: it is not JSON: %w", err)
	}
	if f.input == nil {
		return nil
	}
	return mismatch(f.input.Validate(value), "the input does not match the flow's input schema:", "input")
}

// CheckSchema validates a value against a JSON Schema, which may refer to
// nothing but itself. The error names every place in the value that is wrong,
// and what is wanted. Without a schema any JSON will do.
func CheckSchema(schema, value json.RawMessage) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
	if err != nil {
		return fmt.Errorf("the value is not JSON: %w", err)
	}
	if len(bytes.TrimSpace(schema)) == 0 {
		return nil
	}
	s, err := compileSchema(schema)
	if err != nil {
		return badSchema(err)
	}
	return mismatch(s.Validate(doc), "the value does not match its schema:", "value")
}

func badSchema(err error) error {
	if bad, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		return mismatch(bad.Err, "the schema is no JSON Schema:", "schema")
	}
	return fmt.Errorf("the schema is no JSON Schema: %w", err)
}

// mismatch is err with a line for each place that is wrong, below the title.
// name is that of the whole value.
func mismatch(err error, title, name string) error {
	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return err
	}
	var lines []string
	for _, l := range leaves(invalid) {
		lines = append(lines, "\n  "+instancePath(name, l.InstanceLocation)+": "+leafMessage(l))
	}
	slices.Sort(lines) // the validator has no order
	return errors.New(title + strings.Join(lines, ""))
}

// instancePath writes a location as input.urls[0].
func instancePath(path string, location []string) string {
	for _, part := range location {
		if _, err := strconv.Atoi(part); err == nil {
			path += "[" + part + "]"
		} else {
			path += "." + part
		}
	}
	return path
}
