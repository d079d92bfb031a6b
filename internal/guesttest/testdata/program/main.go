// Command program is built with the package that would link the system's resolver.
package main

import "net"

func main() { _, _ = net.LookupHost("localhost") }
