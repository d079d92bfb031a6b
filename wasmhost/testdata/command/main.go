// Command command is a WASI command that does what its input says.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

func main() {
	in, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	what, rest, _ := strings.Cut(string(in), " ")
	switch what {
	case "exit":
		fmt.Fprintln(os.Stderr, "warming up")
		fmt.Fprintln(os.Stderr, "cannot go on")
		os.Exit(3)
	case "panic":
		panic("boom")
	case "text":
		fmt.Print(rest)
	case "binary":
		os.Stdout.Write([]byte{0xff, 0xfe, 0x00})
	case "forever":
		line := strings.Repeat("y\n", 4096)
		for {
			fmt.Print(line)
		}
	case "sleep":
		time.Sleep(time.Hour)
	case "quiet":
	default:
		os.Stdout.Write(in)
	}
}
