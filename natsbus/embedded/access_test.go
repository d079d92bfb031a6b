package embedded_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/natsbus/access"
)

// TestTemplatesConfigureServers has a server read the template of each role.
func TestTemplatesConfigureServers(t *testing.T) {
	t.Parallel()
	const key = "UACAHL54Y72IEOLINLLQ3CZGWZVW53BTZZXE6CSPHCUYK7IHQW4CQQMJ"
	for _, role := range natsbus.Roles() {
		text, err := natsbus.Template(role, "team")
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "server.conf")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, natsbus.Self, key)), 0o600); err != nil {
			t.Fatal(err)
		}
		o, err := server.ProcessConfigFile(file)
		if err != nil {
			t.Errorf("%s: %v\n%s", role, err, text)
			continue
		}
		if len(o.Nkeys) != 1 || o.Nkeys[0].Nkey != key {
			t.Fatalf("%s: users %v", role, o.Nkeys)
		}
		want, err := natsbus.Permissions(role, "team")
		if err != nil {
			t.Fatal(err)
		}
		user := o.Nkeys[0]
		if want.All {
			if user.Permissions != nil || user.Account.Name != access.Account {
				t.Errorf("%s is %+v in account %s", role, user.Permissions, user.Account.Name)
			}
			continue
		}
		if user.Account.Name == access.Account {
			t.Errorf("%s is in the account of the streams", role)
		}
		if !slices.Equal(user.Permissions.Publish.Allow, want.Publish) {
			t.Errorf("%s publishes %q, want %q", role, user.Permissions.Publish.Allow, want.Publish)
		}
	}
}
