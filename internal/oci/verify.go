package oci

import (
	"bytes"
	"io"
	"strings"
)

func readerOf(data []byte) io.Reader { return bytes.NewReader(data) }

// isDigestFault tells an error of the client that found other bytes than it asked for.
// It has no type.
func isDigestFault(err error) bool {
	text := err.Error()
	return strings.Contains(text, "error verifying sha256 checksum") || strings.Contains(text, "error verifying size") || strings.Contains(text, "does not match requested digest")
}
