package parts

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
)

// BOM is the list of what a binary is made of, as CycloneDX: the modules that Go has
// noted in it, each of which the whole must know, and those files of the whole whose
// bytes are in it. The same binary has the same list.
func BOM(binary, version string, whole Whole) (*cyclonedx.BOM, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, fmt.Errorf("read what %s was built of: %w", binary, err)
	}
	raw, err := os.ReadFile(binary) //nolint:gosec // the operator's
	if err != nil {
		return nil, fmt.Errorf("read the binary: %w", err)
	}
	components, err := linked(info, whole.Linked)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", binary, err)
	}
	for _, f := range whole.Files {
		has, err := contains(raw, f)
		if err != nil {
			return nil, err
		}
		if has {
			components = append(components, fileComponent(f))
		}
	}
	sum := sha256.Sum256(raw)
	root := cyclonedx.Component{
		Type: cyclonedx.ComponentTypeApplication, BOMRef: "graflow-wasm", Name: "graflow-wasm", Version: version,
		PackageURL: "pkg:golang/" + info.Main.Path + "@" + version, Licenses: expression([]string{"Apache-2.0"}),
		Hashes: &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}},
	}
	properties := []cyclonedx.Property{{Name: "go:version", Value: info.GoVersion}}
	for _, s := range info.Settings {
		if slices.Contains([]string{"GOOS", "GOARCH", "CGO_ENABLED", "-trimpath", "vcs.revision", "vcs.modified"}, s.Key) {
			properties = append(properties, cyclonedx.Property{Name: "go:" + s.Key, Value: s.Value})
		}
	}
	root.Properties = &properties
	bom := cyclonedx.NewBOM()
	bom.SerialNumber = serial(sum)
	bom.Metadata = &cyclonedx.Metadata{Component: &root}
	bom.Components = &components
	refs := []string{}
	for _, c := range components {
		refs = append(refs, c.BOMRef)
	}
	bom.Dependencies = &[]cyclonedx.Dependency{{Ref: root.BOMRef, Dependencies: &refs}}
	return bom, nil
}

// linked are the modules that are noted in a binary, and Go's library.
func linked(info *buildinfo.BuildInfo, known []Part) ([]cyclonedx.Component, error) {
	var all []cyclonedx.Component
	want := map[string]string{"std": strings.TrimPrefix(info.GoVersion, "go")}
	for _, m := range info.Deps {
		if m.Replace != nil && m.Replace.Version != "(devel)" { // which is a directory
			m = m.Replace
		}
		want[m.Path] = m.Version
	}
	for _, p := range known {
		if version, ok := want[p.Name]; ok && version == p.Version {
			all = append(all, component(p))
			delete(want, p.Name)
		}
	}
	if len(want) > 0 {
		return nil, fmt.Errorf("it is linked of what this checkout does not name: %v: build it again", want)
	}
	return all, nil
}

// contains tells that a file's bytes are in a binary.
func contains(binary []byte, f File) (bool, error) {
	raw, err := os.ReadFile(f.where)
	if err != nil {
		return false, fmt.Errorf("compare what is embedded: %w", err)
	}
	return bytes.Contains(binary, raw), nil
}

func component(p Part) cyclonedx.Component {
	c := cyclonedx.Component{
		Type: cyclonedx.ComponentTypeLibrary, BOMRef: p.Origin, Name: p.Name, Version: p.Version,
		PackageURL: p.Origin, Licenses: expression(p.Licenses),
	}
	if p.Within != "" {
		c.BOMRef = p.Within + "/" + p.Name
	}
	if p.Sum == "" {
		return c
	}
	if digest, ok := strings.CutPrefix(p.Sum, "sha256:"); ok {
		c.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: digest}}
	} else {
		c.Properties = &[]cyclonedx.Property{{Name: "integrity", Value: p.Sum}}
	}
	return c
}

func fileComponent(f File) cyclonedx.Component {
	var inside []cyclonedx.Component
	for _, p := range f.Parts {
		inside = append(inside, component(p))
	}
	return cyclonedx.Component{
		Type: cyclonedx.ComponentTypeFile, BOMRef: f.Name, Name: f.Name, Version: f.Version,
		Hashes:     &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: f.SHA256}},
		Components: &inside,
		Properties: &[]cyclonedx.Property{
			{Name: "reproduced", Value: fmt.Sprint(f.Expected)},
			{Name: "prebuilt", Value: fmt.Sprint(f.Prebuilt)},
		},
	}
}

// Image adds the other files below a directory, which an image is made of, to the list
// of a binary that is one of them.
func Image(bom *cyclonedx.BOM, root string) error {
	binary := (*(*bom.Metadata.Component).Hashes)[0].Value
	found := false
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path) //nolint:gosec // the operator's
		if err != nil {
			return err
		}
		sum := sha256.Sum256(raw)
		digest := hex.EncodeToString(sum[:])
		name, _ := filepath.Rel(root, path)
		if digest == binary {
			found = true
			return nil
		}
		*bom.Components = append(*bom.Components, cyclonedx.Component{
			Type: cyclonedx.ComponentTypeFile, BOMRef: "/" + filepath.ToSlash(name), Name: "/" + filepath.ToSlash(name),
			Hashes: &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: digest}},
		})
		return nil
	})
	if err != nil {
		return fmt.Errorf("list the files of the image: %w", err)
	}
	if !found {
		return fmt.Errorf("%s does not contain the binary that was read", root)
	}
	bom.Metadata.Component.Type = cyclonedx.ComponentTypeContainer
	return nil
}

// expression is that of several licenses that all hold.
func expression(ids []string) *cyclonedx.Licenses {
	return &cyclonedx.Licenses{{Expression: strings.Join(ids, " AND ")}}
}

// serial is the list's number, a UUID of version 8 that follows from the binary.
func serial(sum [sha256.Size]byte) string {
	id := sum[:16]
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
