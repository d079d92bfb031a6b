// Package client asks a graflow-wasm server over HTTP: [Client.Service] is the
// server's [ops.Service], each method a request to the routes of package internal/api.
//
// # Errors
//
// An error of the server keeps its text and its status, as a [control.Error], and is
// the error that it was there, for errors.Is, as far as package ops names it: 404 is
// engine.ErrNotFound, 401 and 403 are ops.ErrDenied, a 422 with faults is an
// [ops.Invalid]. A server that can't be reached is ops.ErrUnavailable; one whose
// certificate nobody vouches for is [ErrUntrusted]. What the server is too busy for is
// asked again, three times at most, as late as it says.
//
// # The token
//
// The token goes to the server of Config.URL alone: no redirect is followed, and an
// address without TLS gets it only on this machine, unless Config.Insecure. It is in no
// error.
//
// The package knows no flags, no files but those of certificates, and nothing of how
// the server does what it is asked.
package client
