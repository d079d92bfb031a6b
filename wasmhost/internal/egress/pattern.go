package egress

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// pattern is one entry of Rules.Hosts, taken apart.
type pattern struct {
	scheme string // "" is both
	host   string // canonical; "" is any
	below  bool   // the subdomains of host, not host itself
	port   string // "" is the scheme's own, "*" any
}

func parsePattern(text string) (pattern, error) {
	var p pattern
	rest := text
	if scheme, after, found := strings.Cut(text, "://"); found {
		p.scheme = strings.ToLower(scheme)
		if p.scheme != "http" && p.scheme != "https" {
			return p, errors.New("the scheme is http or https")
		}
		rest = after
	}
	if strings.ContainsAny(rest, "/?#@") {
		return p, errors.New("a pattern is [scheme://]host[:port], without path and user")
	}
	host, port, err := splitPort(rest)
	if err != nil {
		return p, err
	}
	if p.port = port; port != "" && port != "*" {
		if p.port, err = canonicalPort(port); err != nil {
			return p, err
		}
	}
	if host == "*" {
		return p, nil
	}
	host, p.below = strings.CutPrefix(host, "*.")
	if strings.Contains(host, "*") {
		return p, errors.New(`a star stands alone or for the subdomains of a name, as in "*.example.com"`)
	}
	if p.host, err = canonicalHost(host); err != nil {
		return p, err
	}
	if _, err := netip.ParseAddr(p.host); err == nil && p.below {
		return p, errors.New("an address has no subdomains")
	}
	return p, nil
}

// splitPort parts "host:port", "[v6]:port", "v6" and "host".
func splitPort(text string) (host, port string, err error) {
	if _, err := netip.ParseAddr(text); err == nil {
		return text, "", nil // ::1 has colons but no port
	}
	if inner, found := strings.CutPrefix(text, "["); found {
		host, after, found := strings.Cut(inner, "]")
		if !found || !strings.Contains(host, ":") {
			return "", "", errors.New("brackets hold an IPv6 address")
		}
		if after == "" {
			return host, "", nil
		}
		port, found := strings.CutPrefix(after, ":")
		if !found || port == "" {
			return "", "", errors.New("after the brackets comes :port or nothing")
		}
		return host, port, nil
	}
	host, port, found := strings.Cut(text, ":")
	if found && port == "" {
		return "", "", errors.New("the port is missing after the colon")
	}
	return host, port, nil
}

func canonicalPort(port string) (string, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || port[0] == '+' {
		return "", errors.New("a port is 1 to 65535")
	}
	return strconv.FormatUint(n, 10), nil
}

// match tells whether the pattern allows a target.
func (p pattern) match(t target) bool {
	if p.scheme != "" && p.scheme != t.scheme {
		return false
	}
	if port := p.port; port != "*" && port != t.port && (port != "" || t.port != schemePort(t.scheme)) {
		return false
	}
	if p.below {
		return strings.HasSuffix(t.host, "."+p.host)
	}
	return p.host == "" || p.host == t.host
}

// String is the pattern in its canonical form.
func (p pattern) String() string {
	host := p.host
	switch {
	case host == "":
		host = "*"
	case p.below:
		host = "*." + host
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	if p.scheme != "" {
		host = p.scheme + "://" + host
	}
	if p.port != "" {
		host += ":" + p.port
	}
	return host
}
