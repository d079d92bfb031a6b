package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os/user"
	"slices"

	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/spf13/cobra"
)

// pushOptions are the flags of `module push`.
type pushOptions struct {
	name, version, sign, cacheDir string
}

func newModulePush(std streams, where *clusterFlags) *cobra.Command {
	var o pushOptions
	cmd := &cobra.Command{
		Use:   "push FILE[#EXPORT] --name NAME | push FILE|REF oci://HOST/REPOSITORY:TAG",
		Short: "Store a module in the registry, or in one of container images",
		Long: `Push stores a module under a name and a version, and prints its digest. FILE may be
a directory with the source of a Go guest, which is built. The sandbox admits the
module first; what it refuses is not stored. #EXPORT wants the module to have that
task.

A version does not change: the same module may be pushed again, another one needs
another version. Without --version it is the beginning of the digest.

With an oci:// reference the module goes to a registry of container images, in the
layout of the CNCF for Wasm; REF is one of the cluster's registry. Credentials are
those of ` + "`docker login`" + `. The digest that is printed is then that of the manifest.`,
		Example: `  graflow-wasm module push guest.wasm --name hello --version 1.0 --nats ./srv
  graflow-wasm module push ./guest --name hello --sign release.key --nats ./srv
  graflow-wasm module push guest.wasm oci://registry.example/tools/hello:1.0 --sign release.key
  graflow-wasm module push hello@1.0 oci://registry.example/tools/hello:1.0 --nats ./srv`,
		Args: arguments(cobra.RangeArgs(1, 2)),
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "the module's `NAME`: letters, digits, -, _ and .")
	f.StringVar(&o.version, "version", "", "its `VERSION`, of the same letters (default: the beginning of its digest)")
	f.StringVar(&o.sign, "sign", "", "sign it with the private key in `FILE`; see `graflow-wasm module keygen`")
	f.StringVar(&o.cacheDir, "cache-dir", "", "where compiled modules are kept (default: graflow-wasm in the user's cache directory)")
	var reach ociFlags
	reach.addTo(f)
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			row, err := where.pushOCI(cmd.Context(), args[0], args[1], o, reach)
			if err != nil {
				return failed("push module "+args[0], err)
			}
			return row.pushed(std, format.value)
		}
		r, err := where.push(cmd.Context(), args[0], o)
		if err != nil {
			return failed("push module "+args[0], err)
		}
		if format.value == "json" {
			return writeJSON(std.out, rowOf(r))
		}
		fmt.Fprintf(std.err, "graflow-wasm: %s is in the registry: %d bytes, %s%s\n", fullName(r), r.Size, countOf(len(about(r).Tasks), "task", "tasks"), signedBy(r))
		fmt.Fprintln(std.out, r.Digest)
		return nil
	}
	return cmd
}

func signedBy(r natsbus.ModuleRecord) string {
	if len(r.Signature) == 0 {
		return ", not signed"
	}
	return ", signed by " + publicKey(r.SignerKey).String()
}

// push checks a module and stores it.
func (c *clusterFlags) push(ctx context.Context, name string, o pushOptions) (natsbus.ModuleRecord, error) {
	var r natsbus.ModuleRecord
	if err := checkModuleName(o.name, o.version); err != nil {
		return r, err
	}
	var key ed25519.PrivateKey
	if o.sign != "" {
		var err error
		if key, err = readPrivateKey(o.sign); err != nil {
			return r, usagef("--sign %s: %w", o.sign, err)
		}
	}
	err := c.inRegistry(ctx, func(bus moduleRegistry) error {
		var err error
		r, err = pushTo(ctx, bus, name, key, o)
		return err
	})
	return r, err
}

// pushTo is push to a registry.
func pushTo(ctx context.Context, bus moduleRegistry, name string, key ed25519.PrivateKey, o pushOptions) (natsbus.ModuleRecord, error) {
	var r natsbus.ModuleRecord
	file, export := cluster.SplitExport(name)
	code, err := fileCode(ctx, file, o.cacheDir)
	if err != nil {
		return r, usage(err)
	}
	if r, err = admit(ctx, code, export, o.cacheDir); err != nil {
		return r, usage(err)
	}
	r.Name, r.Version, r.By = o.name, o.version, userName()
	if key != nil {
		signModule(key, &r)
	}
	return putSigned(ctx, bus, r, code)
}

// admit is the record of a module that the sandbox would run.
func admit(ctx context.Context, code []byte, export, cacheDir string) (r natsbus.ModuleRecord, err error) {
	view, err := viewModule(ctx, code, cacheDir)
	if err != nil {
		return r, fmt.Errorf("the sandbox refuses it, and so nothing is stored: %w", err)
	}
	if export != "" && !slices.ContainsFunc(view.Tasks, func(t abi.TaskDescription) bool { return t.Name == export }) {
		return r, fmt.Errorf("it has no task %q, and so nothing is stored", export)
	}
	r.Digest = view.Digest
	r.Tasks, err = cluster.AboutOf(view.Description)
	return r, err
}

// putSigned stores a module. One that is there under the same name and version keeps
// the signature that it has.
func putSigned(ctx context.Context, bus moduleRegistry, r natsbus.ModuleRecord, code []byte) (natsbus.ModuleRecord, error) {
	put, err := bus.PutModule(ctx, r, bytes.NewReader(code))
	if errors.Is(err, natsbus.ErrVersionTaken) {
		return put, usage(err)
	}
	if err != nil {
		return put, err
	}
	there, err := bus.Module(ctx, put.Name+"@"+put.Version)
	if err == nil && len(r.Signature) > 0 && !bytes.Equal(there.Signature, r.Signature) {
		err = usagef("the module is there already as %s, and keeps the signature it has%s; push another version to sign it with this key", fullName(there), signedBy(there))
	}
	return there, err
}

// userName is who pushes, "" if that is not known.
func userName() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}
