package dockertest

import (
	"net/http"
	"testing"
)

// Images counts the images of the content with a digest, also those without a name.
func Images(tb testing.TB, digest string) int {
	tb.Helper()
	var all []struct{ ID string }
	if err := connect(tb).call(tb.Context(), http.MethodGet, "/images/json?"+filters([]string{label + "=" + digest}), nil, &all); err != nil {
		tb.Fatal(err)
	}
	return len(all)
}

// RemoveImage removes one image that no other test makes.
func RemoveImage(tb testing.TB, reference string) {
	tb.Helper()
	if err := connect(tb).removeImage(tb.Context(), reference); err != nil {
		tb.Fatal(err)
	}
}

// BusyboxBinary is this machine's.
func BusyboxBinary(tb testing.TB) string {
	tb.Helper()
	binary, _, err := busybox(tb)
	if err != nil {
		tb.Fatal(err)
	}
	return binary
}

// Do sends a request to the daemon.
func Do(tb testing.TB, method, target string, in, out any) error {
	tb.Helper()
	return connect(tb).call(tb.Context(), method, target, in, out)
}

// Pull pulls an image from a registry, with a login as of Push or without.
func Pull(tb testing.TB, reference, login string) error {
	tb.Helper()
	header := http.Header{}
	if login != "" {
		header.Set("X-Registry-Auth", login)
	}
	repository, tag := split(reference)
	return connect(tb).progress(tb.Context(), "/images/create?fromImage="+repository+"&tag="+tag, nil, header)
}
