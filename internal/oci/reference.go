package oci

import (
	"fmt"
	"net"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// Scheme is what references begin with.
const Scheme = "oci://"

// IsReference tells a reference from other names of modules.
func IsReference(text string) bool { return strings.HasPrefix(text, Scheme) }

// repositories are names that the OCI distribution specification allows.
var repositories = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)

// Reference is a module in a registry: oci://HOST/REPOSITORY with :TAG, @sha256:DIGEST
// (of the manifest), or both: then the digest counts.
type Reference struct {
	text string // without the scheme
}

// Parse reads a reference. The host, and a tag or a digest, have to be given: there is
// no registry and no tag by default.
func Parse(text string) (Reference, error) {
	rest, ok := strings.CutPrefix(text, Scheme)
	if !ok {
		return Reference{}, fmt.Errorf("reference %q: want %sHOST/REPOSITORY:TAG", text, Scheme)
	}
	host, path, _ := strings.Cut(rest, "/")
	if host == "" || path == "" || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return Reference{}, fmt.Errorf("reference %q: it names no registry; want %sHOST/REPOSITORY:TAG, as %sregistry.example/tools/resize:1.0", text, Scheme, Scheme)
	}
	if !strings.ContainsAny(path, ":@") {
		return Reference{}, fmt.Errorf("reference %q: it has no tag; want %s%s:TAG, or @sha256:…", text, Scheme, rest)
	}
	r := Reference{rest}
	parsed, err := r.parse(false)
	if err != nil {
		return Reference{}, fmt.Errorf("reference %q: %w", text, err)
	}
	if repository := parsed.Context().RepositoryStr(); !repositories.MatchString(repository) {
		return Reference{}, fmt.Errorf("reference %q: %q is no repository: want lower case letters and digits, parted by one of . _ - and /", text, repository)
	}
	return r, nil
}

// String is the reference with its scheme.
func (r Reference) String() string { return Scheme + r.text }

// Host is the registry's, with its port.
func (r Reference) Host() string {
	host, _, _ := strings.Cut(r.text, "/")
	return host
}

// Repository is the module's name there: words of lower case, parted by slashes.
func (r Reference) Repository() string {
	_, rest, _ := strings.Cut(r.text, "/")
	rest, _, _ = strings.Cut(rest, "@")
	rest, _, _ = strings.Cut(rest, ":")
	return rest
}

// digest is the one that the reference demands, "" if it names only a tag.
func (r Reference) digest() string {
	_, digest, _ := strings.Cut(r.text, "@")
	return digest
}

// Pinned is the same module by the digest of its manifest.
func (r Reference) Pinned(digest string) Reference {
	rest, _, _ := strings.Cut(r.text, "@")
	if slash := strings.IndexByte(rest, '/'); strings.LastIndexByte(rest, ':') > slash {
		rest = rest[:strings.LastIndexByte(rest, ':')]
	}
	return Reference{rest + "@" + digest}
}

func (r Reference) parse(plain bool) (name.Reference, error) {
	options := []name.Option{name.StrictValidation}
	if plain {
		options = append(options, name.Insecure)
	}
	return name.ParseReference(r.text, options...)
}

// isLoopback tells whether a host, perhaps with a port, is this machine.
func isLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
