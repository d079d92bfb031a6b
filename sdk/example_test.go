package sdk_test

import (
	"fmt"

	"github.com/graflow/graflow-wasm/sdk"
)

type person struct {
	Name string `json:"name"`
}

var greet = sdk.Task("greet", "greets someone", func(c *sdk.Context, in person) (string, error) {
	if in.Name == "" {
		return "", sdk.Permanent(sdk.Fail("nameless", "whom to greet?"))
	}
	c.Log("greeting %s", in.Name)
	return "Hello, " + in.Name + "!", c.Channel().Add("greeted", 1)
})

// A guest adds, for each task:
//
//	//go:wasmexport greet
//	func _greet() int32 { return greet.Run() }
func Example() {
	local := sdk.NewLocal(sdk.LocalConfig{})
	out, err := greet.Call(local, person{Name: "Ada"})
	fmt.Println(out, err)
	fmt.Println(local.Effects().Logs[0].Text)
	fmt.Printf("%s\n", local.Channel()["greeted"])

	_, err = greet.Call(local, person{})
	fmt.Println(err, local.Effects().Failure.Kind)
	// Output:
	// Hello, Ada! <nil>
	// greeting Ada
	// 1
	// whom to greet? nameless
}
