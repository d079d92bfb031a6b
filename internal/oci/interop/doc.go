// Package interop tests that other clients of OCI registries read what graflow-wasm
// pushes, and the other way round: with oras-go and the registry of
// go-containerregistry, as processes of their own. It has a module of its own, so that
// what it needs is none of graflow-wasm's.
package interop
