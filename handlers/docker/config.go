package docker

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// Config configures a Handler. Its zero value runs tasks whose images the daemon
// has, with no network, no mounts and no devices.
type Config struct {
	// Host is the daemon's address, as "unix:///run/docker.sock". "": that of
	// DOCKER_HOST, else the usual one.
	Host string
	// Defaults is the spec that is laid under that of each task, with the same keys:
	// mappings are merged by key, all else is the task's if it has it.
	Defaults json.RawMessage
	// Policy is what tasks may ask for.
	Policy Policy
	// Limits are the most a task may have, beside Policy.Limits. A zero field sets
	// no maximum; a task that asks for more gets the maximum.
	Limits Limits
	// Grants are the most a task may be granted; one that asks for more is refused.
	// nil: a task is granted what it asks for.
	Grants *Grants
	// Dir is the directory that volumes given by a relative path are relative to.
	// "": the process's working directory.
	Dir string
	// Spawn is the most a task's spawn grant may list: each of its patterns must
	// be matched by one of these. nil: whatever it lists.
	Spawn []string
	// Secrets has what tasks are granted, and the credentials of registries.
	// nil: there are none.
	Secrets guest.SecretStore
	// Redactor makes what finds an attempt's secrets in its log, error and result.
	// Required with Secrets.
	Redactor func(values [][]byte) guest.Redactor
	// DenySecretOutput refuses tasks that ask for allow_secret_output.
	DenySecretOutput bool
	// Tools answers the calls of tasks that are granted some. nil: there are none.
	Tools interface {
		CallTool(ctx context.Context, name string, args json.RawMessage) (json.RawMessage, error)
	}
	// Modules has the modules of tasks that are docker.wasm. nil: there are none.
	Modules Modules
	// CacheDir keeps the compiled code of such modules. "": a temporary directory,
	// for as long as the handler is open.
	CacheDir string
	// Scratch is the directory for what attempts are given: input, socket, secrets.
	// It should be in memory. "": one in /dev/shm or XDG_RUNTIME_DIR.
	Scratch string
	// Binary is the file that is mounted for auto_mount: a static program whose main
	// calls inside.Child. "": the program itself.
	Binary string
	// Worker names this process in the labels of its containers.
	Worker string
	// Logger gets what no run is told. nil: none.
	Logger *slog.Logger

	elsewhere bool // see Elsewhere
}

// Modules finds modules. Load is called concurrently and may be slow.
type Modules interface {
	// Load returns the bytes of the module that ref names, and a name for it in
	// messages.
	Load(ctx context.Context, ref string) (wasm []byte, name string, err error)
}
