// Package abi holds the names and numbers that host and guests share: the
// import module, the host functions and their signatures, the exports a guest
// may offer, the error codes that calls answer with, and the JSON documents
// that cross the boundary.
//
// It is plain constants and plain structs and imports nothing beyond the
// standard library, so that a guest pays nothing for it. The contract of each
// function is written once, in functions.go; docs/abi.md is the same text for
// authors of SDKs in other languages.
package abi
