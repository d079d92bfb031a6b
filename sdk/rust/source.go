// Package rust has the SDK for Rust, a crate, for those who copy it.
package rust

import "embed"

// Files are those of the crate, without its tests.
//
//go:embed Cargo.toml src
var Files embed.FS
