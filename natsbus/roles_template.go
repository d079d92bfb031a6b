package natsbus

import (
	"fmt"

	"github.com/graflow/graflow-wasm/natsbus/access"
)

// Template writes a role as configuration of a NATS server that we do not start: the
// account of the streams, and that of a user, in whose place [Self] stands wherever
// its public key belongs.
func Template(role Role, namespace string) (string, error) {
	p, err := Permissions(role, namespace)
	if err != nil {
		return "", err
	}
	head := fmt.Sprintf("# %s: replace %s by the public key of the user's seed, which begins with U.\n"+
		"# With several roles, join what is in account %s.\n", role, Self, access.Account)
	return head + access.Config(access.User{
		Name: string(role), Key: Self, All: p.All, Publish: p.Publish, Subscribe: p.Subscribe,
	}), nil
}
