// Package egress fetches URLs for guests, under rules.
//
// [ParseRules] reads what an attempt may reach: patterns of hosts, and the
// networks that it may reach although they are not public. A [Client], shared
// by all attempts, sends their requests. Each hop of a request, the first and
// every redirect, goes through the same steps: parse the URL strictly, match
// the host with the patterns, resolve the name, check the addresses, charge
// the [Budget], connect to a checked address and to no other.
//
// Connections are kept for later requests, also of other attempts, so what
// identifies a connection in the pool is its scheme, name, port and the address
// it was pinned to. A request resolves its name and checks the address by its
// own rules each time, and asks the pool for that address: an attempt that may
// not reach an address cannot be handed a connection to it that a wider grant
// opened.
//
// There is no cookie jar, no proxy from the environment, and no decompression:
// a guest gets the bytes that the server sent, up to its budget.
//
// It knows nothing of WebAssembly.
package egress
