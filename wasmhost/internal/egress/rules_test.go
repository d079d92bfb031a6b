package egress_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/egress"
)

func TestParseRulesCanonical(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Example.COM.":            "example.com",
		"example.com:08443":       "example.com:8443",
		"HTTP://example.com":      "http://example.com",
		"https://*.Example.com:*": "https://*.example.com:*",
		"*":                       "*",
		"http://*:80":             "http://*:80",
		"bücher.example":          "xn--bcher-kva.example",
		"BÜCHER.example":          "xn--bcher-kva.example",
		"xn--BCHER-kva.example":   "xn--bcher-kva.example",
		"*.他们为什么不说中文.example":     "*.xn--ihqwcrb4cv8a8dqg056pqjye.example",
		"3年b組金八先生":                "xn--3b-ww4c5e180e575a65lsy2b",
		"192.0.2.1:80":            "192.0.2.1:80",
		"::1":                     "[::1]",
		"[2001:DB8::0:1]:443":     "[2001:db8::1]:443",
		"_dmarc.a-b.example":      "_dmarc.a-b.example",
	} {
		r, err := egress.ParseRules([]string{text, text}, nil)
		if err != nil || !slices.Equal(r.Hosts, []string{want}) {
			t.Errorf("%s: hosts %q, error %v, want %q", text, r.Hosts, err, want)
		}
	}
}

func TestParseRulesErrors(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", ".", "*.", "*.*", "a.*", "*a.com", "a..b", "-a.com", "a-.com", "ftp://a.com", "a.com/", "a.com/path",
		"u@a.com", "a.com:", "a.com:0", "a.com:65536", "a.com:x", "a.com:+80", "127.1", "0x7f.1", "1", "*.10.0.0.1",
		"[::1", "[::1]80", "[a.com]", "::ffff:10.0.0.1", "fe80::1%lo", "a b", "a\x00b", "\u212a.com", "a:b:c",
		strings.Repeat("a", 64) + ".com", strings.Repeat("abc.", 70) + "com", "\xff.com",
	} {
		if r, err := egress.ParseRules([]string{text}, nil); err == nil {
			t.Errorf("host %q was read as %q", text, r.Hosts)
		}
	}
	for _, text := range []string{
		"", "x", "10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "224.0.0.0/4", "255.255.255.255", "::", "::ffff:10.0.0.0/104",
		"fe80::1%lo",
	} {
		r, err := egress.ParseRules(nil, []string{text})
		if text == "10.0.0.0" { // one address
			if err != nil || r.Networks[0].String() != "10.0.0.0/32" {
				t.Errorf("network %q: %v, error %v", text, r.Networks, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("network %q was read as %v", text, r.Networks)
		}
	}
	_, err := egress.ParseRules([]string{"ok.com", "a.*", "b:x"}, []string{"10.0.0.1/8"})
	for _, part := range []string{`host "a.*"`, `host "b:x"`, "write 10.0.0.0/8"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
}
