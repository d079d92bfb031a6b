package script_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Five lines from import to result.
func Example() {
	sandbox, err := script.New(script.Config{})
	if err != nil {
		panic(err)
	}
	defer sandbox.Close(context.Background())
	result, err := sandbox.Run(context.Background(), script.Python, "sum(input)", script.Options{Input: []int{1, 2, 3}})
	fmt.Println(string(result.Value), err)
	// Output: 6 <nil>
}

// Code calls a function of the program, whose arguments are checked by the schema of
// its type.
func ExampleFunc() {
	sandbox, err := script.New(script.Config{})
	if err != nil {
		panic(err)
	}
	defer sandbox.Close(context.Background())

	type Order struct {
		Item  string `json:"item" doc:"what to order"`
		Count int    `json:"count,omitempty"`
	}
	order := script.Func("order", "orders things", func(_ context.Context, o Order) (string, error) {
		return fmt.Sprintf("%d x %s", max(1, o.Count), o.Item), nil
	})
	code := `
try:
    order(item=5)
except ToolError as e:
    print(e.kind)
[order("tea"), order("rice", count=2)]
`
	result, err := sandbox.Run(context.Background(), script.Python, code, script.Options{Tools: []script.Tool{order}, Stdout: printer{}})
	if err != nil {
		panic(err)
	}
	var orders []string
	err = result.Decode(&orders)
	fmt.Printf("%q %v\n", orders, err)
	// Output:
	// invalid_args
	// ["1 x tea" "2 x rice"] <nil>
}

// The failure of code tells where it is; that of a limit is found by errors.Is.
func ExampleError() {
	sandbox, err := script.New(script.Config{})
	if err != nil {
		panic(err)
	}
	defer sandbox.Close(context.Background())

	_, err = sandbox.Run(context.Background(), script.Python, "x = 1\nx / 0", script.Options{})
	fmt.Println(err)
	limits := wasmhost.Limits{Timeout: 100 * time.Millisecond}
	_, err = sandbox.Run(context.Background(), script.Python, "while True: pass", script.Options{File: "loop.py", Limits: limits})
	fmt.Println(err, errors.Is(err, wasmhost.ErrTimeout))
	// Output:
	// main.py:2: ZeroDivisionError: division by zero
	// loop.py: timeout: not done after 100ms true
}

// A session keeps what code defined, here or in another process.
func ExampleSession() {
	sandbox, err := script.New(script.Config{})
	if err != nil {
		panic(err)
	}
	defer sandbox.Close(context.Background())

	session := script.NewSession()
	for _, cell := range []string{"words = ['a', 'b']", "words.append('c')", "len(words)"} {
		result, err := sandbox.Run(context.Background(), script.Python, cell, script.Options{Session: session})
		fmt.Println(string(result.Value), err)
	}
	// Output:
	// null <nil>
	// null <nil>
	// 3 <nil>
}

type printer struct{}

func (printer) Write(b []byte) (int, error) {
	fmt.Print(string(b))
	return len(b), nil
}
