package egress

import (
	"net/http"
	"net/url"
	"slices"
)

// hop is one request of a chain of redirects.
type hop struct {
	target target
	method string
	header http.Header
	body   []byte
}

// size is about what the hop takes on the wire.
func (h hop) size() int64 {
	line := len(h.method) + len(h.target.url.RequestURI()) + len("  HTTP/1.1\r\nHost: \r\n") + len(h.target.host)
	return int64(line) + headerBytes(h.header) + int64(len(h.body))
}

// redirect is where a response leads; ok is false if it is final. The rules of
// method and body are those of the Fetch standard, "HTTP-redirect fetch": 303
// turns all but HEAD to GET, 301 and 302 turn POST to GET, 307 and 308 keep
// both. From https there is no way to http, and to another origin no header
// goes that could hold a secret.
func (h hop) redirect(response *http.Response) (next hop, ok bool, err error) {
	location := response.Header.Get("Location")
	if location == "" || !isRedirect(response.StatusCode) {
		return hop{}, false, nil
	}
	to, err := h.resolve(location)
	if err != nil {
		return hop{}, false, err
	}
	if h.target.scheme == "https" && to.scheme == "http" {
		return hop{}, false, &DeniedError{Target: to.String(), Why: "a redirect leads from https to http"}
	}
	next = hop{target: to, method: h.method, header: h.header, body: h.body}
	if !to.sameOrigin(h.target) {
		next.header = withoutSecrets(h.header)
	}
	if turnsToGet(response.StatusCode, h.method) {
		next.method, next.body = http.MethodGet, nil
		next.header = next.header.Clone()
		for _, name := range []string{"Content-Encoding", "Content-Language", "Content-Location", "Content-Type"} {
			next.header.Del(name)
		}
	}
	return next, true, nil
}

func (h hop) resolve(location string) (target, error) {
	if len(location) > maxURL {
		return target{}, invalid("a redirect's location has %d bytes, at most %d are allowed", len(location), maxURL)
	}
	relative, err := url.Parse(location)
	if err != nil {
		return target{}, invalid("a redirect's location cannot be read")
	}
	return newTarget(h.target.url.ResolveReference(relative))
}

func isRedirect(status int) bool {
	return slices.Contains([]int{301, 302, 303, 307, 308}, status)
}

func turnsToGet(status int, method string) bool {
	switch status {
	case http.StatusSeeOther:
		return method != http.MethodGet && method != http.MethodHead
	case http.StatusMovedPermanently, http.StatusFound:
		return method == http.MethodPost
	}
	return false
}
