// What a Go program sees of its process: arguments, environment, stdin,
// randomness. The first argument says what to do.
package main

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
)

func main() {
	switch os.Args[1] {
	case "show":
		fmt.Printf("%q\n%q\n", os.Args[1:], os.Environ())
	case "lines":
		lines()
	case "random":
		fmt.Println(rand.Text())
	case "exit":
		code, _ := strconv.Atoi(os.Args[2])
		fmt.Print("unfinished")
		os.Exit(code)
	case "panic":
		panic("on purpose")
	}
}

func lines() {
	in, err := os.Stdin.Stat()
	if err != nil || in.Mode()&os.ModeCharDevice != 0 {
		fmt.Println("stdin is a terminal", err)
	}
	n, bytes := 0, 0
	for scanner := bufio.NewScanner(os.Stdin); scanner.Scan(); n++ {
		bytes += len(scanner.Bytes())
	}
	fmt.Println(n, bytes)
}
