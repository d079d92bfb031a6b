// Command noop does nothing, as a module or as a program of the machine.
package main

func main() {}
