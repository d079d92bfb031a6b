package egress

import (
	"net/http"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// maxRequestHeader bounds what a guest sends as header, in bytes.
const maxRequestHeader = 64 << 10

// ours are headers of the connection: this package sets them as they must be,
// and drops what a guest says about them.
var ours = map[string]bool{
	"Connection": true, "Content-Length": true, "Expect": true, "Http2-Settings": true, "Keep-Alive": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// impersonal are the headers that follow a redirect to another origin. All
// others may hold credentials under names that nobody can list.
var impersonal = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "Accept-Language": true, "Cache-Control": true,
	"Content-Encoding": true, "Content-Language": true, "Content-Type": true,
	"If-Match": true, "If-Modified-Since": true, "If-None-Match": true, "If-Unmodified-Since": true,
	"Pragma": true, "Range": true, "User-Agent": true,
}

// requestHeader checks what a guest wants to send to t, and leaves out what is
// not its business.
func requestHeader(request abi.HTTPRequest, t target) (http.Header, error) {
	header := make(http.Header, len(request.Header))
	for name, value := range request.Header {
		if !isToken(name) {
			return nil, invalid("header name %q", name)
		}
		if strings.ContainsFunc(value, isControl) {
			return nil, invalid("the value of header %q holds control characters", name)
		}
		name = http.CanonicalHeaderKey(name)
		if name == "Host" && !strings.EqualFold(value, t.hostHeader()) {
			return nil, invalid("the host header differs from the url's host %s", t.hostHeader())
		}
		if name == "Host" || ours[name] || strings.HasPrefix(name, "Proxy-") {
			continue
		}
		if _, twice := header[name]; twice {
			return nil, invalid("header %s is given twice", name)
		}
		header[name] = []string{strings.Trim(value, " \t")}
	}
	if size := headerBytes(header); size > maxRequestHeader {
		return nil, invalid("the headers have %d bytes, at most %d are allowed", size, maxRequestHeader)
	}
	if _, named := header["User-Agent"]; !named {
		header["User-Agent"] = []string{"graflow"}
	}
	return header, nil
}

// requestMethod is a method that a guest may use; "" is GET.
func requestMethod(method string) (string, error) {
	if method == "" {
		return http.MethodGet, nil
	}
	upper := strings.ToUpper(method)
	if !isToken(method) || len(method) > 32 {
		return "", invalid("method %q", method)
	}
	if upper == http.MethodConnect || upper == http.MethodTrace {
		return "", invalid("method %s is not for guests", upper)
	}
	return upper, nil
}

// withoutSecrets is what of a header may go to another origin.
func withoutSecrets(header http.Header) http.Header {
	kept := make(http.Header)
	for name, values := range header {
		if impersonal[name] {
			kept[name] = slices.Clone(values)
		}
	}
	return kept
}

// isToken tells a token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	const others = "!#$%&'*+-.^_`|~"
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		alphanumeric := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !alphanumeric && !strings.ContainsRune(others, r)
	})
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
