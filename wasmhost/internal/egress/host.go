package egress

import (
	"errors"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// canonicalHost brings a host to the one form in which hosts are compared,
// resolved and sent: an address as netip writes it, a name in lower case and
// punycode without the dot at its end. Brackets are the caller's.
//
// Names beyond ASCII are encoded as RFC 3492 has it, in lower case but without
// normalization: a name not in NFC becomes another name.
func canonicalHost(host string) (string, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Zone() != "" || addr.Is4In6() {
			return "", errors.New("an address has no zone and is not IPv4-mapped")
		}
		return addr.String(), nil
	}
	name := strings.TrimSuffix(host, ".")
	if name == "" || len(name) > 253 {
		return "", errors.New("a name has 1 to 253 characters")
	}
	labels := strings.Split(name, ".")
	for i, label := range labels {
		ascii, err := canonicalLabel(label)
		if err != nil {
			return "", err
		}
		labels[i] = ascii
	}
	if last := labels[len(labels)-1]; isNumber(last) {
		return "", errors.New("neither an address nor a name: it ends in a number")
	}
	if name = strings.Join(labels, "."); len(name) > 253 {
		return "", errors.New("a name has 1 to 253 characters")
	}
	return name, nil
}

func canonicalLabel(label string) (string, error) {
	runes := []rune(label)
	ascii := true
	for i, r := range runes {
		if r >= utf8.RuneSelf {
			ascii = false
		}
		lower := unicode.ToLower(r)
		if !isLabelRune(lower) || r >= utf8.RuneSelf && lower < utf8.RuneSelf {
			return "", errors.New("a name is letters, digits, hyphens and dots")
		}
		runes[i] = lower
	}
	label = string(runes)
	if !ascii {
		label = "xn--" + punycode(runes)
	}
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return "", errors.New("a part of a name has 1 to 63 characters and no hyphen at its ends")
	}
	return label, nil
}

// isLabelRune allows the underscore too: such names are in use.
func isLabelRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_'
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r))
}

// isNumber tells labels that some resolvers read as part of an IPv4 address:
// 127.1, 0x7f.1, 2130706433.
func isNumber(label string) bool {
	if digits, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

// punycode encodes a label as RFC 3492 section 6.3, without its prefix.
func punycode(label []rune) string {
	var out []byte
	for _, r := range label {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(128), 0, 72
	for handled := basic; handled < len(label); n++ {
		next := rune(unicode.MaxRune)
		for _, r := range label {
			if r >= n {
				next = min(next, r)
			}
		}
		delta += int(next-n) * (handled + 1)
		n = next
		for _, r := range label {
			if r < n {
				delta++
			}
			if r == n {
				out = appendVariable(out, delta, bias)
				bias = adapt(delta, handled+1, handled == basic)
				delta = 0
				handled++
			}
		}
		delta++
	}
	return string(out)
}

// appendVariable writes a generalized variable-length integer.
func appendVariable(out []byte, value, bias int) []byte {
	const digits = "abcdefghijklmnopqrstuvwxyz0123456789"
	for k := 36; ; k += 36 {
		threshold := min(max(k-bias, 1), 26)
		if value < threshold {
			return append(out, digits[value])
		}
		out = append(out, digits[threshold+(value-threshold)%(36-threshold)])
		value = (value - threshold) / (36 - threshold)
	}
}

// adapt is the bias function of RFC 3492 section 6.1.
func adapt(delta, points int, first bool) int {
	if first {
		delta /= 700
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for delta > (36-1)*26/2 {
		delta /= 36 - 1
		k += 36
	}
	return k + 36*delta/(delta+38)
}
