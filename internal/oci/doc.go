// Package oci carries WebAssembly modules to and from OCI registries, those in which
// container images are kept, after the Wasm OCI Artifact Layout of the CNCF's TAG
// Runtime: an image manifest whose config is application/vnd.wasm.config.v0+json, and
// whose one layer, application/wasm, is the module as it is.
//
// So other tools can fetch what a [Client] has pushed, and the other way round. The
// digest of the layer is the one by which a module is known everywhere else; its name,
// its version and an Ed25519 signature of that digest travel as annotations.
//
// A registry and what lies in it are not trusted: digests are verified, sizes bounded,
// and no name from there becomes a path here. What was fetched is not admitted to any
// sandbox, and its signature is not verified: both are for the caller.
package oci
