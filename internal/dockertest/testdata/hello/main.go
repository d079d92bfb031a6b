// Command hello runs where there is nothing else.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Println("hello,", os.Args[1:])
	os.Exit(7)
}
