package wasmhost

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost/internal/egress"
)

// narrowHTTP checks that all that each asked pattern matches is matched by the
// allowed ones.
func narrowHTTP(asked, most []string) []error {
	allowed, err := egress.ParseRules(most, nil)
	if err != nil {
		return []error{fmt.Errorf("grants.http: what the operator allows: %w", err)}
	}
	var errs []error
	for i, text := range asked {
		rules, err := egress.ParseRules([]string{text}, nil)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("grants.http[%d]: %w", i, err))
		case !covered(rules.Hosts[0], allowed.Hosts):
			errs = append(errs, fmt.Errorf("grants.http[%d]: the operator does not allow all of %q, only %s", i, text, listed(allowed.Hosts)))
		}
	}
	return errs
}

func listed(patterns []string) string {
	if len(patterns) == 0 {
		return "no host at all"
	}
	return strings.Join(patterns, ", ")
}

// covered tells whether all that a canonical pattern matches is matched by
// others: what it matches of each scheme, by one of them.
func covered(pattern string, by []string) bool {
	for _, part := range splitPattern(pattern) {
		isCovered := func(other string) bool {
			return slices.ContainsFunc(splitPattern(other), part.within)
		}
		if !slices.ContainsFunc(by, isCovered) {
			return false
		}
	}
	return true
}

// hostPattern is what a canonical pattern matches of one scheme.
type hostPattern struct{ scheme, host, port string }

// splitPattern takes a canonical pattern apart: without a scheme it stands for
// both, and without a port for the scheme's own.
func splitPattern(text string) []hostPattern {
	schemes := []string{"http", "https"}
	if scheme, rest, found := strings.Cut(text, "://"); found {
		schemes, text = []string{scheme}, rest
	}
	host, port := text, ""
	if i := strings.LastIndexByte(text, ':'); i > strings.LastIndexByte(text, ']') {
		host, port = text[:i], text[i+1:]
	}
	var parts []hostPattern
	for _, scheme := range schemes {
		p := hostPattern{scheme, host, port}
		switch {
		case port == "" && scheme == "http":
			p.port = "80"
		case port == "":
			p.port = "443"
		}
		parts = append(parts, p)
	}
	return parts
}

// within tells whether all that p matches is matched by other.
func (p hostPattern) within(other hostPattern) bool {
	if p.scheme != other.scheme || p.port != other.port && other.port != "*" {
		return false
	}
	if below, found := strings.CutPrefix(other.host, "*."); found {
		// "*.b.c" lies in "*.c" as "b.c" does; "c" does not.
		return p.host == other.host || strings.HasSuffix(p.host, "."+below)
	}
	return other.host == "*" || p.host == other.host
}

// narrowNetworks checks that each asked network lies in an allowed one.
func narrowNetworks(asked, most []string) []error {
	allowed, err := egress.ParseRules(nil, most)
	if err != nil {
		return []error{fmt.Errorf("grants.http_networks: what the operator allows: %w", err)}
	}
	var errs []error
	for i, text := range asked {
		rules, err := egress.ParseRules(nil, []string{text})
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("grants.http_networks[%d]: %w", i, err))
		case !slices.ContainsFunc(allowed.Networks, func(o netip.Prefix) bool {
			return o.Bits() <= rules.Networks[0].Bits() && o.Contains(rules.Networks[0].Addr())
		}):
			errs = append(errs, fmt.Errorf("grants.http_networks[%d]: the operator does not allow %s", i, text))
		}
	}
	return errs
}
