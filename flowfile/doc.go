// Package flowfile reads and writes flow files: graphs of tasks as YAML.
//
// [Load] and [Parse] give a [File], whose Spec is the same plain data that Go
// code would build, with paths resolved against the file's directory and
// modules' short names replaced. All that is wrong with a file is reported
// together, as [Errors], each [Error] with its line, its column and the line
// itself. [File.Locate] puts errors found later, as those of the engine's
// check, in their places too. [Print] is the way back: the flow file of any
// Spec. [Schema] is the JSON Schema of a flow file, for editors.
//
// A sub-flow, in a file of its own or in place, becomes the spec of its task: a
// Spec as JSON, for the handler "flow". Only Load follows files; Parse may be
// given text from anyone. [File.Absolute] is for runs that are taken up again in
// another directory, [CheckSchema] for values that a flow describes, as answers.
//
// In `flow:`, `a >> b` is a sequence and `a | b` a group. As in Python, whose
// operators these are, `>>` binds tighter: `a >> b | c >> d` is a group of two
// chains. `name(a | b)` names the group. Each line is a chain of its own; a
// line that ends with an operator, or begins with one, goes on.
//
// The package deliberately knows no handler: but for the notation of wasm, docker
// and builtin, a handler's spec is passed on as it is written.
package flowfile
