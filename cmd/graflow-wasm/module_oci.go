package main

import (
	"context"
	"errors"

	"github.com/graflow/graflow-wasm/internal/oci"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/spf13/pflag"
)

// ociFlags say how to reach the registries of container images.
type ociFlags struct{ plainHTTP bool }

func (o *ociFlags) addTo(f *pflag.FlagSet) {
	f.BoolVar(&o.plainHTTP, "plain-http", false, "reach an oci:// registry on another machine without TLS")
}

func (o *ociFlags) client() *oci.Client {
	return oci.New(oci.Config{PlainHTTP: o.plainHTTP, MaxBytes: wasmhost.DefaultMaxModuleBytes, UserAgent: "graflow-wasm/" + thisBuild().Version})
}

// ociFault says what to do about an error of an OCI registry.
func ociFault(r oci.Reference, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, oci.ErrDenied):
		return usagef("%w\nLog in with `docker login %s`, or another client that keeps credentials for Docker", err, r.Host())
	case errors.Is(err, oci.ErrPlain):
		return usagef("%w; if that is as it should be, give --plain-http", err)
	case errors.Is(err, oci.ErrUnreachable):
		return &exitError{Code: exitUnreachable, Err: err}
	case errors.Is(err, oci.ErrTampered), errors.Is(err, context.Canceled):
		return err
	}
	return usage(err)
}

// ociRow is what `push` and `pull` print of a module in an OCI registry.
type ociRow struct {
	Reference string        `json:"reference"`
	Manifest  string        `json:"manifest"` // its digest
	Digest    string        `json:"digest"`   // of the module
	Size      int           `json:"size"`
	Name      string        `json:"name,omitempty"`
	Version   string        `json:"version,omitempty"`
	Signature signatureView `json:"signature"`
	File      string        `json:"file,omitempty"` // to which it was written
}

func ociRowOf(r oci.Reference, m oci.Module, trusted []publicKey) ociRow {
	return ociRow{
		Reference: r.String(), Manifest: m.Manifest, Digest: m.Digest, Size: len(m.Code), Name: m.Name, Version: m.Version,
		Signature: viewSignature(ociRecord(m), trusted),
	}
}

// ociRecord is a module of an OCI registry as one of ours has it.
func ociRecord(m oci.Module) natsbus.ModuleRecord {
	return natsbus.ModuleRecord{Name: m.Name, Version: m.Version, Digest: m.Digest, Size: int64(len(m.Code)), SignerKey: m.Signer, Signature: m.Signature}
}
