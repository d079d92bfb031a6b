package script

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// Directories that every run finds.
const (
	inDir   = "/in"   // what Options.Files hold
	outDir  = "/out"  // what Options.FilesOut are collected from
	tmpDir  = "/tmp"  // empty
	withDir = "/with" // above bundles
)

// fileBytes is what a file counts beside its content; see wasmhost.Limits.DiskBytes.
const fileBytes = 4 << 10

// callOptions are what the host runs the interpreter with. The same grants of the
// machine give the same mount points, in the same order, so that all such runs share a
// snapshot.
func (r *run) callOptions() wasmhost.Options {
	o := r.options
	call := wasmhost.Options{
		Name: r.runtime, Tenant: o.Tenant, Limits: r.sandbox.config.limits(o.Limits),
		Grants: o.Grants, Services: o.Services, Reproducible: true, // for sessions, and one snapshot for all
	}
	call.Grants.Mounts = append(standardMounts(o.Files), r.with...)
	call.Grants.Mounts = append(call.Grants.Mounts, o.Grants.Mounts...)
	call.Grants.Tools = r.tools.grants(o.Grants.Tools)
	call.Limits.DiskBytes += filesBytes(call.Grants.Mounts)
	call.Services.Tools = r.tools
	if o.Stdout != nil {
		call.Services.Stdout = o.Stdout
	}
	if o.Stderr != nil {
		call.Services.Stderr = o.Stderr
	}
	for _, pattern := range o.FilesOut {
		call.Collect = append(call.Collect, outDir+"/"+pattern)
	}
	return call
}

func standardMounts(in map[string][]byte) []wasmhost.Mount {
	return []wasmhost.Mount{
		{Guest: inDir, Memory: true, Files: in},
		{Guest: outDir, Memory: true},
		{Guest: tmpDir, Memory: true},
	}
}

// filesBytes is what the files that were given count, which is not the code's doing.
func filesBytes(mounts []wasmhost.Mount) int64 {
	sum := int64(0)
	for _, m := range mounts {
		for _, data := range m.Files {
			sum += int64(len(data)) + fileBytes
		}
	}
	return sum
}

// checkPlaces refuses mounts that would hide those of every run, and patterns that
// lead out of /out.
func (o Options) checkPlaces() error {
	for _, m := range o.Grants.Mounts {
		top, _, _ := strings.Cut(strings.TrimPrefix(path.Clean("/"+m.Guest), "/"), "/")
		if slices.Contains([]string{inDir, outDir, tmpDir, withDir}, "/"+top) {
			return fmt.Errorf("mount at %q: %s is taken, choose another place", m.Guest, "/"+top)
		}
	}
	for _, pattern := range o.FilesOut {
		if pattern == "" || path.IsAbs(pattern) || slices.Contains(strings.Split(pattern, "/"), "..") {
			return fmt.Errorf("files out %q: it has to be a pattern relative to /out, such as *.csv", pattern)
		}
	}
	return nil
}
