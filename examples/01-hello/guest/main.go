// Command guest is the smallest task: one export, typed input and result.
package main

import "github.com/graflow/graflow-wasm/sdk"

func main() {}

// Person is who to greet.
type Person struct {
	Name string `json:"name,omitempty" doc:"who to greet; world if absent"`
}

var hello = sdk.Task("hello", "greets someone by name", func(_ *sdk.Context, in Person) (string, error) {
	if in.Name == "" {
		in.Name = "world"
	}
	return "Hello, " + in.Name + "!", nil
})

//go:wasmexport hello
func _hello() int32 { return hello.Run() }
