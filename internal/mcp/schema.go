package mcp

import (
	"encoding/json"
	"fmt"
	"time"

	protocol "github.com/modelcontextprotocol/go-sdk/mcp"
)

// object is a JSON object.
type object = map[string]any

// runCodeTool describes run_code.
func runCodeTool(config Config) *protocol.Tool {
	isDestructive, isOpen := false, len(config.HTTP) > 0
	return &protocol.Tool{
		Name:  "run_code",
		Title: "Run code in a sandbox",
		Description: fmt.Sprintf("Run %s source code in an isolated sandbox and return its value, what it printed, and the files it wrote to /out. "+
			"The value is that of the variable `result`, else what main(input) returns, else that of the last expression. "+
			"Time limit: %s; memory: %d MiB. %s", join(config.Languages, ", "), config.Limits.Timeout, config.Limits.Memory>>20, networkSentence(config)),
		InputSchema: inputSchema(config), OutputSchema: outputSchema(),
		Annotations: &protocol.ToolAnnotations{DestructiveHint: &isDestructive, OpenWorldHint: &isOpen},
	}
}

func inputSchema(config Config) json.RawMessage {
	seconds := config.Limits.Timeout.Seconds()
	return mustJSON(object{
		"type":                 "object",
		"required":             []string{"language", "code"},
		"additionalProperties": false,
		"properties": object{
			"language": object{"type": "string", "enum": config.Languages, "description": "what the code is written in"},
			"code":     object{"type": "string", "description": "the source code"},
			"input":    object{"description": "any JSON value, which the code finds as the global variable `input`"},
			"session": object{
				"type": "string", "pattern": sessionNames.String(),
				"description": "a name: code that runs in the same session later finds the variables, functions and imports of this one. Without it each run begins afresh",
			},
			"timeout": object{
				"type": "number", "exclusiveMinimum": 0, "description": fmt.Sprintf("time limit in seconds, at most and by default %g", seconds),
			},
			"files": object{
				"type": "object", "description": "files that the code finds in the directory /in, by their names: each a string (its text) or an object {\"base64\": …} (its bytes)",
				"additionalProperties": object{"anyOf": []object{
					{"type": "string"},
					{"type": "object", "required": []string{"base64"}, "additionalProperties": false, "properties": object{"base64": object{"type": "string", "contentEncoding": "base64"}}},
				}},
			},
		},
	})
}

func outputSchema() json.RawMessage {
	text, number, integer := object{"type": "string"}, object{"type": "number"}, object{"type": "integer"}
	return mustJSON(object{
		"type":     "object",
		"required": []string{"value", "stdout", "stderr", "usage"},
		"properties": object{
			"value":  object{"description": "what the code came to, as JSON; null if nothing, or if it failed"},
			"stdout": text,
			"stderr": object{"type": "string", "description": "with the lines of ctx.log, and notices of the sandbox"},
			"error": object{
				"type": "object", "required": []string{"kind", "message"}, "description": "how the code failed; absent if it did not",
				"properties": object{
					"kind": object{"type": "string", "description": "syntax, exception, invalid_result, exit, timeout, memory, fuel, stack, denied, output_too_large, canceled, runtime, invalid_args, session (it can't be kept), busy, closing, or one that the code chose"},
					"type": object{"type": "string", "description": "the class of the exception"}, "message": text,
					"file": text, "line": integer, "column": integer, "traceback": text,
				},
			},
			"files": object{
				"type": "array", "description": "what the code left in /out; the content of those that are included follows as images and resources",
				"items": object{"type": "object", "required": []string{"name", "size", "mime_type", "included"}, "properties": object{
					"name": text, "size": integer, "mime_type": text, "included": object{"type": "boolean"},
				}},
			},
			"session": object{"type": "object", "required": []string{"name", "new", "kept", "bytes"}, "properties": object{
				"name": text, "new": object{"type": "boolean", "description": "it began with this call: what an earlier one defined is not there"}, "bytes": integer,
				"kept": object{"type": "boolean", "description": "false: it has grown too large, and was dropped"},
			}},
			"usage": object{"type": "object", "required": []string{"seconds", "instructions", "peak_memory"}, "properties": object{
				"seconds": number, "instructions": integer, "peak_memory": integer, "http_requests": integer,
			}},
		},
	})
}

// mustJSON is a document of this package's own.
func mustJSON(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// seconds is a duration as a model reads it.
func seconds(d time.Duration) string { return fmt.Sprintf("%g seconds", d.Seconds()) }
