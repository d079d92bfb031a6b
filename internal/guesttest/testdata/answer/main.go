// Command answer is the smallest guest: a reactor with one export.
package main

//go:wasmexport answer
func answer() int32 { return 42 }

func main() {}
