// Package c has the SDK for C and C++, one header, for those who copy it.
package c

import "embed"

// Files are the header.
//
//go:embed graflow.h
var Files embed.FS
