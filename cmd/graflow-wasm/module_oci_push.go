package main

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/internal/oci"
)

// pushOCI stores a module of this machine, or of the cluster's registry, in an OCI
// registry.
func (c *clusterFlags) pushOCI(ctx context.Context, name, to string, o pushOptions, reach ociFlags) (ociRow, error) {
	ref, err := oci.Parse(to)
	if err != nil {
		return ociRow{}, usage(err)
	}
	var m oci.Module
	if file, _ := cluster.SplitExport(name); isRegistered(file) {
		m, err = c.registeredModule(ctx, name, o)
	} else {
		m, err = localModule(ctx, name, o)
	}
	if err != nil {
		return ociRow{}, err
	}
	pushed, err := reach.client().Push(ctx, ref, m)
	return ociRowOf(ref, pushed, nil), ociFault(ref, err)
}

// localModule is a module of this machine, which the sandbox admits, as the flags call
// it.
func localModule(ctx context.Context, name string, o pushOptions) (oci.Module, error) {
	var m oci.Module
	if o.name != "" {
		if err := checkModuleName(o.name, o.version); err != nil {
			return m, err
		}
	}
	file, export := cluster.SplitExport(name)
	code, err := fileCode(ctx, file, o.cacheDir)
	if err != nil {
		return m, usage(err)
	}
	r, err := admit(ctx, code, export, o.cacheDir)
	if err != nil {
		return m, usage(err)
	}
	if o.sign != "" {
		var key ed25519.PrivateKey
		if key, err = readPrivateKey(o.sign); err != nil {
			return m, usagef("--sign %s: %w", o.sign, err)
		}
		signModule(key, &r)
	}
	return oci.Module{Code: code, Name: o.name, Version: o.version, Signer: r.SignerKey, Signature: r.Signature}, nil
}

// registeredModule is a module of the cluster's registry, with the name, the version
// and the signature that it has there.
func (c *clusterFlags) registeredModule(ctx context.Context, ref string, o pushOptions) (oci.Module, error) {
	var m oci.Module
	if o.name != "" || o.version != "" || o.sign != "" {
		return m, usagef("%s is in the cluster's registry: it keeps the name, the version and the signature that it has there; leave out --name, --version and --sign", ref)
	}
	err := c.inRegistry(ctx, func(bus moduleRegistry) error {
		r, code, err := verified(ctx, bus, ref, nil)
		m = oci.Module{Code: code, Name: r.Name, Version: r.Version, Signer: r.SignerKey, Signature: r.Signature}
		return err
	})
	return m, err
}

// pushed tells where a module is now.
func (r ociRow) pushed(std streams, format string) error {
	if format == "json" {
		return writeJSON(std.out, r)
	}
	fmt.Fprintf(std.err, "graflow-wasm: %s is there: %d bytes, signature: %s\n", r.Reference, r.Size, r.Signature.short())
	fmt.Fprintln(std.out, r.Manifest)
	return nil
}

// short tells who signed, where no keys are trusted.
func (v signatureView) short() string {
	switch v.Status {
	case signatureNone:
		return "none"
	case signatureForged:
		return v.text()
	}
	return v.Key
}
