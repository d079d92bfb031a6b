package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Rules is what an attempt may reach. The zero value allows nothing.
//
// A host is one of
//
//	example.com          https on port 443 and http on port 80
//	example.com:8443     both on that port
//	example.com:*        both on any port
//	http://example.com   http only; https:// likewise
//	*.example.com        any subdomain, at any depth, not example.com itself
//	*                    any host
//	192.0.2.1, [::1]     an address, if a URL names it so
//
// Upper case, a dot at the end and Unicode names compare as the DNS compares
// them. Whatever the hosts, a name that resolves to an address that is not
// public is refused unless Networks has the address.
type Rules struct {
	Hosts    []string
	Networks []netip.Prefix
}

// ParseRules reads hosts, and networks in CIDR notation or single addresses,
// such as "127.0.0.0/8" or "::1". The error names each entry that is wrong.
func ParseRules(hosts []string, networks []string) (Rules, error) {
	var rules Rules
	var errs []error
	for _, text := range hosts {
		p, err := parsePattern(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("host %q: %w", text, err))
			continue
		}
		if canonical := p.String(); !slices.Contains(rules.Hosts, canonical) {
			rules.Hosts = append(rules.Hosts, canonical)
		}
	}
	for _, text := range networks {
		network, err := parseNetwork(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("network %q: %w", text, err))
			continue
		}
		if !slices.Contains(rules.Networks, network) {
			rules.Networks = append(rules.Networks, network)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return Rules{}, err
	}
	return rules, nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		text = fmt.Sprintf("%s/%d", text, addr.BitLen())
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, errors.New(`write it as "10.0.0.0/8" or "fd00::/8"`)
	}
	if masked := network.Masked(); masked != network {
		return netip.Prefix{}, fmt.Errorf("bits are set behind the prefix, write %s", masked)
	}
	if name := neverIn(network); name != "" {
		return netip.Prefix{}, fmt.Errorf("%s addresses are never a destination", name)
	}
	return network, nil
}

// allow checks a target's scheme, host and port; its addresses are checked once
// they are known.
func (r Rules) allow(t target) error {
	for _, text := range r.Hosts {
		p, err := parsePattern(text)
		if err != nil {
			return fmt.Errorf("egress rules: host %q: %w", text, err)
		}
		if p.match(t) {
			return nil
		}
	}
	if len(r.Hosts) == 0 {
		return &DeniedError{Target: t.String(), Why: "no hosts are granted"}
	}
	return &DeniedError{Target: t.String(), Why: "granted are " + strings.Join(r.Hosts, ", ")}
}

// addresses are those of candidates that the rules allow, as many as are worth
// a try.
func (r Rules) addresses(t target, candidates []netip.Addr) ([]netip.Addr, error) {
	const worth = 8
	var allowed []netip.Addr
	why := "the name has no address"
	for _, addr := range candidates {
		addr = addr.Unmap() // the resolver writes IPv4 so; it is dialed and checked as IPv4
		refusal := refuse(addr, r.Networks)
		if refusal != "" {
			why = refusal
			continue
		}
		if len(allowed) < worth && !slices.Contains(allowed, addr) {
			allowed = append(allowed, addr)
		}
	}
	if len(allowed) == 0 {
		return nil, &DeniedError{Target: t.String(), Why: why}
	}
	return allowed, nil
}
