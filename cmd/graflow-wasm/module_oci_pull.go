package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/internal/oci"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/pflag"
)

// pullOptions are the flags of `module pull` that are for what comes from an OCI
// registry.
type pullOptions struct {
	name, version, cacheDir string
	reach                   ociFlags
}

func (o *pullOptions) addTo(f *pflag.FlagSet) {
	f.StringVar(&o.name, "name", "", "of an oci:// module: store it in the cluster's registry under this `NAME`; - is the one that it has there")
	f.StringVar(&o.version, "version", "", "with --name: the `VERSION` (default: the one that it has there, else the beginning of its digest)")
	f.StringVar(&o.cacheDir, "cache-dir", "", "with --name: where compiled modules are kept (default: graflow-wasm in the user's cache directory)")
	o.reach.addTo(f)
}

// check refuses what is for modules from elsewhere.
func (o *pullOptions) check(ref, file string) error {
	switch {
	case !oci.IsReference(ref) && (o.name != "" || o.version != ""):
		return usagef("pull module %s: --name and --version are for a module from an OCI registry, as oci://HOST/REPOSITORY:TAG", ref)
	case file == "" && o.name == "" && oci.IsReference(ref):
		return usagef("pull module %s: where to? Give -O FILE, -O - for stdout, or --name NAME for the cluster's registry", ref)
	case o.version != "" && o.name == "":
		return usagef("pull module %s: --version is for --name", ref)
	}
	return nil
}

// pullOCI fetches a module from an OCI registry. With keys it has to have a signature
// by one of them.
func (o *pullOptions) pullOCI(ctx context.Context, text string, trusted []publicKey) (oci.Reference, oci.Module, error) {
	ref, err := oci.Parse(text)
	if err != nil {
		return ref, oci.Module{}, usage(err)
	}
	m, err := o.reach.client().Pull(ctx, ref)
	if err != nil {
		return ref, m, ociFault(ref, err)
	}
	if len(trusted) > 0 {
		r := ociRecord(m)
		r.Name, r.Version = strings.TrimPrefix(ref.String(), oci.Scheme), m.Manifest // what it calls itself anyone may write
		if err := faultOf(r, trusted); err != nil {
			return ref, m, err
		}
	}
	return ref, m, nil
}

// register stores a module that was pulled in the cluster's registry. What it calls
// itself is foreign, and has to be a name here.
func (o *pullOptions) register(ctx context.Context, where *clusterFlags, m oci.Module) (natsbus.ModuleRecord, error) {
	name, version := o.name, cmp.Or(o.version, m.Version)
	if name == "-" {
		if name = m.Name; name == "" {
			return natsbus.ModuleRecord{}, usagef("it has no name there: give it one with --name NAME")
		}
	}
	if err := checkModuleName(name, version); err != nil {
		return natsbus.ModuleRecord{}, err
	}
	r, err := admit(ctx, m.Code, "", o.cacheDir)
	if err != nil {
		return r, usage(err)
	}
	r.Name, r.Version, r.By, r.SignerKey, r.Signature = name, version, userName(), m.Signer, m.Signature
	if v := viewSignature(r, nil); v.Status == signatureForged {
		return r, faultOf(r, nil)
	}
	err = where.inRegistry(ctx, func(bus moduleRegistry) error {
		r, err = putSigned(ctx, bus, r, m.Code)
		return err
	})
	return r, err
}

// pull fetches a module, and puts it where the flags say.
func (o *pullOptions) pull(ctx context.Context, std streams, where *clusterFlags, text, file string, trusted []publicKey) error {
	ref, m, err := o.pullOCI(ctx, text, trusted)
	if err != nil {
		return err
	}
	if o.name != "" {
		r, err := o.register(ctx, where, m)
		if err != nil {
			return err
		}
		fmt.Fprintf(std.err, "graflow-wasm: %s is in the registry: %d bytes%s\n", fullName(r), r.Size, signedBy(r))
	}
	switch file {
	case "":
		fmt.Fprintln(std.out, m.Digest)
		return nil
	case "-":
		_, err := std.out.Write(m.Code)
		return err
	}
	if err := writeWhole(file, m.Code); err != nil {
		return usage(err)
	}
	row := ociRowOf(ref, m, trusted)
	fmt.Fprintf(std.err, "graflow-wasm: %s is %s, signature: %s\n", file, m.Digest, row.Signature.short())
	return nil
}
