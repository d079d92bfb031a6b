// Command guest is a Go program of ordinary size, to compile.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
)

//go:wasmexport work
func work() int32 {
	var v any
	if err := json.NewDecoder(os.Stdin).Decode(&v); err != nil {
		fmt.Println(regexp.MustCompile("[a-z]+").FindString(err.Error()))
	}
	return 42
}

func main() {}
