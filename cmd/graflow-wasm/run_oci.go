package main

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/internal/oci"
)

// fetched is a target that lies in an OCI registry as a file of the cache, with the
// export that it names. Other targets stay as they are.
func fetched(ctx context.Context, name, cacheDir string, reach ociFlags) (string, error) {
	if !oci.IsReference(name) {
		return name, nil
	}
	text, export := cluster.SplitExport(name)
	ref, err := oci.Parse(text)
	if err != nil {
		return "", usage(err)
	}
	m, err := reach.client().Pull(ctx, ref)
	if err != nil {
		return "", ociFault(ref, err)
	}
	if cacheDir, err = cacheDirectory(cacheDir); err != nil {
		return "", err
	}
	dir := filepath.Join(cacheDir, "oci", strings.TrimPrefix(m.Digest, "sha256:"))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	file := filepath.Join(dir, path.Base(ref.Repository())+".wasm") // after which the task is named
	if err := replace(file, m.Code, 0o600); err != nil {
		return "", err
	}
	if export != "" {
		file += "#" + export
	}
	return file, nil
}
