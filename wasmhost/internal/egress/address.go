package egress

import "net/netip"

// special is a range of addresses that is not public. Networks may grant it,
// unless it is never a destination.
type special struct {
	prefix netip.Prefix
	name   string
	never  bool
}

// specials is the IANA registries of special-purpose addresses, the ranges that
// are not globally reachable or that embed other addresses. More specific
// ranges come first, for their names.
//
// See https://www.iana.org/assignments/iana-ipv4-special-registry and
// https://www.iana.org/assignments/iana-ipv6-special-registry
var specials = []special{
	{netip.MustParsePrefix("0.0.0.0/32"), "unspecified", true},
	{netip.MustParsePrefix("0.0.0.0/8"), "this network", true},
	{netip.MustParsePrefix("10.0.0.0/8"), "private", false},
	{netip.MustParsePrefix("100.64.0.0/10"), "carrier-grade NAT", false},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback", false},
	{netip.MustParsePrefix("169.254.169.254/32"), "cloud metadata", false},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local", false},
	{netip.MustParsePrefix("172.16.0.0/12"), "private", false},
	{netip.MustParsePrefix("192.0.0.0/24"), "IETF protocol assignments", false},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation", false},
	{netip.MustParsePrefix("192.88.99.0/24"), "6to4 relay", false},
	{netip.MustParsePrefix("192.168.0.0/16"), "private", false},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking", false},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation", false},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation", false},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast", true},
	{netip.MustParsePrefix("255.255.255.255/32"), "broadcast", true},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved", false},

	{netip.MustParsePrefix("::/128"), "unspecified", true},
	{netip.MustParsePrefix("::1/128"), "loopback", false},
	{netip.MustParsePrefix("::ffff:0:0/96"), "IPv4-mapped", true},
	{netip.MustParsePrefix("::/96"), "IPv4-compatible", true},
	{netip.MustParsePrefix("64:ff9b::/96"), "NAT64", false},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "NAT64", false},
	{netip.MustParsePrefix("100::/64"), "discard", false},
	{netip.MustParsePrefix("2001::/32"), "Teredo", false},
	{netip.MustParsePrefix("2001:2::/48"), "benchmarking", false},
	{netip.MustParsePrefix("2001::/23"), "IETF protocol assignments", false},
	{netip.MustParsePrefix("2001:db8::/32"), "documentation", false},
	{netip.MustParsePrefix("2002::/16"), "6to4", false},
	{netip.MustParsePrefix("3fff::/20"), "documentation", false},
	{netip.MustParsePrefix("5f00::/16"), "segment routing", false},
	{netip.MustParsePrefix("fc00::/7"), "unique local", false},
	{netip.MustParsePrefix("fe80::/10"), "link-local", false},
	{netip.MustParsePrefix("fec0::/10"), "site-local", false},
	{netip.MustParsePrefix("ff00::/8"), "multicast", true},
}

// globalUnicast6 is all that is assigned of IPv6 for public use so far.
var globalUnicast6 = netip.MustParsePrefix("2000::/3")

// classify names the special range that an address is in; public says that it
// is in none. never says that no rule can allow it.
func classify(addr netip.Addr) (name string, public, never bool) {
	if !addr.IsValid() || addr.Zone() != "" {
		return "not a plain address", false, true
	}
	for _, s := range specials {
		if s.prefix.Contains(addr) {
			return s.name, false, s.never
		}
	}
	if addr.Is6() && !globalUnicast6.Contains(addr) {
		return "not global unicast", false, false
	}
	return "", true, false
}

// neverIn names the range, if all of a network is never a destination.
func neverIn(network netip.Prefix) string {
	for _, s := range specials {
		if s.never && s.prefix.Bits() <= network.Bits() && s.prefix.Contains(network.Addr()) {
			return s.name
		}
	}
	return ""
}

// refuse says why networks do not allow an address, or "" if they do.
func refuse(addr netip.Addr, networks []netip.Prefix) string {
	name, public, never := classify(addr)
	if public {
		return ""
	}
	if never {
		return "its address " + addr.String() + " (" + name + ") is never a destination"
	}
	for _, network := range networks {
		if network.Contains(addr) {
			return ""
		}
	}
	return "its address " + addr.String() + " is not public (" + name + "); grant its network to allow it"
}
