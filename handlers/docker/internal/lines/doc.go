// Package lines is the host's end of the protocol that a task in a container
// speaks: JSON requests, a line each, over a Unix socket and a FIFO, and another
// FIFO for the result. docs/container-protocol.md is the same for authors of
// tasks; sdk/abi has the documents.
//
// [Listen] makes the socket and the FIFOs in a directory that is mounted into
// the container, and answers through the embedder's wasmhost.Services, as a
// WebAssembly guest's calls are. [Server.Close] ends it and tells the [Outcome].
//
// The peer is hostile: what it can hold, send and ask for is bounded, a request
// is data that is parsed strictly, and nothing that it does or fails to do keeps
// Close waiting. The package knows nothing of Docker.
package lines
