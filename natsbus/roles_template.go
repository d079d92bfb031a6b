package natsbus

import (
	"fmt"
	"strings"
)

// Template writes a role as configuration of a NATS server that we do not start: a
// user, in whose place [Self] stands wherever its public key belongs.
func Template(role Role, namespace string) (string, error) {
	p, err := Permissions(role, namespace)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: replace %s by the public key of the user's seed, which begins with U.\n", role, Self)
	b.WriteString("authorization {\n  users: [\n    {\n")
	fmt.Fprintf(&b, "      nkey: %q\n      permissions: {\n", Self)
	writeSubjects(&b, "publish", p.Publish)
	writeSubjects(&b, "subscribe", p.Subscribe)
	b.WriteString("      }\n    }\n  ]\n}\n")
	return b.String(), nil
}

func writeSubjects(b *strings.Builder, deed string, subjects []string) {
	fmt.Fprintf(b, "        %s: {\n          allow: [\n", deed)
	for _, s := range subjects {
		fmt.Fprintf(b, "            %q\n", s)
	}
	b.WriteString("          ]\n        }\n")
}
