package flowtest

import (
	_ "embed" // the schema
	"slices"
)

//go:embed test.schema.json
var schema []byte

// Schema returns the JSON Schema (2020-12) of a test file, for editors.
func Schema() []byte { return slices.Clone(schema) }
