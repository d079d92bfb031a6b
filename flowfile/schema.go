package flowfile

import (
	_ "embed" // the schema
	"slices"
)

//go:embed flow.schema.json
var schema []byte

// Schema returns the JSON Schema (2020-12) of a flow file, for editors. It
// permits any handler's key in a task.
func Schema() []byte { return slices.Clone(schema) }
