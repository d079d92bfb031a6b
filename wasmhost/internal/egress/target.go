package egress

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// maxURL is the longest URL, in bytes.
const maxURL = 64 << 10

// target is a URL that was taken apart; nothing is resolved yet.
type target struct {
	scheme string // http or https
	host   string // canonical, without brackets
	port   string // canonical, never ""
	url    *url.URL
}

// parseTarget reads an absolute URL. What is not http is a *DeniedError,
// anything else that is wrong is abi.Invalid.
func parseTarget(text string) (target, error) {
	if len(text) > maxURL {
		return target{}, invalid("the url has %d bytes, at most %d are allowed", len(text), maxURL)
	}
	u, err := url.Parse(text)
	if err != nil {
		return target{}, invalid("the url cannot be read")
	}
	return newTarget(u)
}

// newTarget checks a parsed URL. The URL it keeps has no fragment.
func newTarget(u *url.URL) (target, error) {
	if u.Scheme == "" {
		return target{}, invalid("the url is not absolute: write https://host/path")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return target{}, &DeniedError{Target: u.Scheme + ":", Why: "only http and https are allowed"}
	}
	if u.Opaque != "" || u.Host == "" {
		return target{}, invalid("the url has no host")
	}
	if u.User != nil {
		return target{}, invalid("a url carries no user and password: send a header instead")
	}
	if strings.HasSuffix(u.Host, ":") {
		return target{}, invalid("the port is missing after the colon")
	}
	host, err := canonicalHost(u.Hostname())
	if err != nil {
		return target{}, invalid("host %q: %w", u.Hostname(), err)
	}
	port := schemePort(u.Scheme)
	if u.Port() != "" {
		if port, err = canonicalPort(u.Port()); err != nil {
			return target{}, invalid("port %q: %w", u.Port(), err)
		}
	}
	bare := *u
	bare.Fragment, bare.RawFragment = "", ""
	return target{scheme: u.Scheme, host: host, port: port, url: &bare}, nil
}

func schemePort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// String is the target's origin, with the port.
func (t target) String() string {
	return t.scheme + "://" + net.JoinHostPort(t.host, t.port)
}

// sameOrigin tells whether what is meant for one may go to the other.
func (t target) sameOrigin(other target) bool {
	return t.scheme == other.scheme && t.host == other.host && t.port == other.port
}

// hostHeader is the host as a request names it.
func (t target) hostHeader() string {
	if t.port != schemePort(t.scheme) {
		return net.JoinHostPort(t.host, t.port)
	}
	if strings.Contains(t.host, ":") {
		return "[" + t.host + "]"
	}
	return t.host
}

// literal is the target's address, if its host is one.
func (t target) literal() (netip.Addr, bool) {
	addr, err := netip.ParseAddr(t.host)
	return addr, err == nil
}
