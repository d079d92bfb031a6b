package docker

import (
	"fmt"
	"regexp"
	"strings"
)

// reference is what an image is called: its name with a tag, a digest or both, or
// the id that one daemon has for it.
type reference struct {
	text   string // as the task has it
	domain string // of the registry
	path   string // in the registry
	tag    string // "": there is a digest
	digest string // of the manifest; ""
	id     string // "": it has a name
}

// The grammar of names is that of the distribution project's reference package.
var (
	domainForm = regexp.MustCompile(`^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]+)?$|^\[[a-fA-F0-9:]+\](?::[0-9]+)?$`)
	pathForm   = regexp.MustCompile(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagForm    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	hexForm    = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

const (
	defaultDomain = "docker.io"
	officialPath  = "library/" // what names without a slash are in
	mostNameBytes = 255
)

// parseReference reads a reference. A short id of an image is taken for a name: a
// daemon would search both, and what is allowed as one could be the other.
func parseReference(text string) (reference, error) {
	r := reference{text: text}
	switch {
	case digestForm.MatchString(text):
		r.id = text
		return r, nil
	case hexForm.MatchString(text):
		r.id = "sha256:" + text
		return r, nil
	}
	name, digest, hasDigest := strings.Cut(text, "@")
	if r.digest = digest; hasDigest && !digestForm.MatchString(digest) {
		return r, fmt.Errorf("%q: want sha256: and 64 hex digits in lower case after the @", text)
	}
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, r.tag = name[:i], name[i+1:]
		if !tagForm.MatchString(r.tag) {
			return r, fmt.Errorf("%q: %q is no tag: want up to 128 letters, digits, \"_\", \".\" and \"-\"", text, r.tag)
		}
	} else if !hasDigest {
		r.tag = "latest"
	}
	r.domain, r.path = splitName(name)
	return r, r.checkName(name)
}

// splitName parts the registry from the rest: the first part is one if it could
// not be anything else.
func splitName(name string) (domain, path string) {
	first, rest, slash := strings.Cut(name, "/")
	switch {
	case slash && (strings.ContainsAny(first, ".:") || first == "localhost" || strings.ToLower(first) != first):
		domain, path = first, rest
	default:
		domain, path = defaultDomain, name
	}
	if domain == "index.docker.io" {
		domain = defaultDomain
	}
	if domain == defaultDomain && !strings.Contains(path, "/") {
		path = officialPath + path
	}
	return domain, path
}

func (r reference) checkName(name string) error {
	switch {
	case len(r.domain)+1+len(r.path) > mostNameBytes:
		return fmt.Errorf("the name has more than %d characters", mostNameBytes)
	case !domainForm.MatchString(r.domain):
		return fmt.Errorf("%q: %q is no registry: want a host, or host:port", r.text, r.domain)
	case pathForm.MatchString(r.path):
		return nil
	case strings.ToLower(name) != name:
		return fmt.Errorf("%q: names of images are in lower case", r.text)
	}
	return fmt.Errorf(`%q is no image: want NAME, NAME:TAG or NAME@sha256:…, as "debian:12" or "ghcr.io/acme/tool:1"`, r.text)
}

// String is the reference in full, which a daemon takes for nothing else. A tag
// beside a digest says nothing, and is left out.
func (r reference) String() string {
	if r.id != "" {
		return r.id
	}
	return r.domain + "/" + r.path + r.suffix()
}

func (r reference) suffix() string {
	if r.digest != "" {
		return "@" + r.digest
	}
	return ":" + r.tag
}

// familiar is the name without what goes without saying.
func (r reference) familiar() string {
	if r.domain != defaultDomain {
		return r.domain + "/" + r.path
	}
	return strings.TrimPrefix(r.path, officialPath)
}

// matches tells whether a glob is for the image: for its name, which is any tag and
// digest of it, or for its name with the tag or digest that it has.
func (r reference) matches(pattern string) bool {
	if r.id != "" {
		return globMatches(pattern, r.id)
	}
	for _, name := range []string{r.familiar(), r.domain + "/" + r.path} {
		if globMatches(pattern, name) || globMatches(pattern, name+r.suffix()) {
			return true
		}
	}
	return false
}

// globMatches matches all of a text, where "*" is any text but "/", and "**" any
// text. All else stands for itself.
func globMatches(pattern, text string) bool {
	star := strings.IndexByte(pattern, '*')
	if star < 0 {
		return pattern == text
	}
	if !strings.HasPrefix(text, pattern[:star]) {
		return false
	}
	rest, deep := strings.CutPrefix(pattern[star:], "**")
	if !deep {
		rest = pattern[star+1:]
	}
	for text = text[star:]; ; text = text[1:] {
		if globMatches(rest, text) {
			return true
		}
		if text == "" || text[0] == '/' && !deep {
			return false
		}
	}
}
