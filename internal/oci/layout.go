package oci

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Media types of the Wasm OCI Artifact Layout.
const (
	ConfigMediaType types.MediaType = "application/vnd.wasm.config.v0+json"
	LayerMediaType  types.MediaType = "application/wasm"
)

// What the layout calls the platform of a module, and of a component.
const (
	architecture = "wasm"
	osModule     = "wasip1"
	osComponent  = "wasip2"
)

// Annotations of the manifest. The first two are OCI's own.
const (
	annotationName      = "org.opencontainers.image.title"
	annotationVersion   = "org.opencontainers.image.version"
	annotationSigner    = "com.github.graflow.graflow-wasm.signer"    // Ed25519, base64
	annotationSignature = "com.github.graflow.graflow-wasm.signature" // of the layer's digest, base64
)

// Module is a module on its way.
type Module struct {
	Code   []byte
	Digest string // "sha256:…" of Code; Push computes it
	// Name, Version, Signer and Signature are as they were pushed: nobody has verified
	// them. Empty: there are none.
	Name, Version     string
	Signer, Signature []byte
	// Manifest is the digest by which the registry knows the whole; Push computes it.
	Manifest string
}

// config is that of the layout.
type config struct {
	Created      time.Time `json:"created"`
	Architecture string    `json:"architecture"`
	OS           string    `json:"os"`
	LayerDigests []string  `json:"layerDigests"`
}

// artifact is a module as an image. The same module gives the same bytes, and so the
// same digest, each time.
type artifact struct {
	layer    v1.Layer
	digest   v1.Hash // of the layer
	config   []byte
	manifest []byte
}

var _ partial.CompressedImageCore = (*artifact)(nil)

func newArtifact(m Module) (*artifact, error) {
	a := &artifact{layer: static.NewLayer(m.Code, LayerMediaType)}
	var err error
	if a.digest, err = a.layer.Digest(); err != nil {
		return nil, err
	}
	a.config, err = json.Marshal(config{Created: time.Unix(0, 0).UTC(), Architecture: architecture, OS: osModule, LayerDigests: []string{a.digest.String()}})
	if err != nil {
		return nil, err
	}
	configDigest, configSize, err := v1.SHA256(bytes.NewReader(a.config))
	if err != nil {
		return nil, err
	}
	a.manifest, err = json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Config:      v1.Descriptor{MediaType: ConfigMediaType, Digest: configDigest, Size: configSize},
		Layers:      []v1.Descriptor{{MediaType: LayerMediaType, Digest: a.digest, Size: int64(len(m.Code))}},
		Annotations: m.annotations(),
	})
	return a, err
}

func (m Module) annotations() map[string]string {
	all := map[string]string{}
	for key, value := range map[string]string{
		annotationName: m.Name, annotationVersion: m.Version,
		annotationSigner: base64.StdEncoding.EncodeToString(m.Signer), annotationSignature: base64.StdEncoding.EncodeToString(m.Signature),
	} {
		if value != "" {
			all[key] = value
		}
	}
	return all
}

// annotated takes what the annotations say.
func (m *Module) annotated(all map[string]string) error {
	m.Name, m.Version = all[annotationName], all[annotationVersion]
	var err error
	if m.Signer, err = base64.StdEncoding.DecodeString(all[annotationSigner]); err == nil {
		m.Signature, err = base64.StdEncoding.DecodeString(all[annotationSignature])
	}
	if err != nil {
		return fmt.Errorf("its signature is not base64: %w", ErrNoModule)
	}
	return nil
}

// RawConfigFile implements partial.CompressedImageCore.
func (a *artifact) RawConfigFile() ([]byte, error) { return a.config, nil }

// RawManifest implements partial.CompressedImageCore.
func (a *artifact) RawManifest() ([]byte, error) { return a.manifest, nil }

// MediaType implements partial.CompressedImageCore.
func (a *artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// LayerByDigest implements partial.CompressedImageCore.
func (a *artifact) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	if h != a.digest {
		return nil, fmt.Errorf("no layer %s", h)
	}
	return a.layer, nil
}

// layerOf finds the module in a manifest, and wants all of it to be as the layout says.
func layerOf(mediaType types.MediaType, raw []byte) (v1.Manifest, v1.Descriptor, error) {
	var m v1.Manifest
	refuse := func(format string, args ...any) (v1.Manifest, v1.Descriptor, error) {
		return m, v1.Descriptor{}, fmt.Errorf("%w: "+format, append([]any{ErrNoModule}, args...)...)
	}
	switch {
	case mediaType.IsIndex():
		return refuse("it is an index of several images; name one of them by its digest")
	case mediaType != types.OCIManifestSchema1:
		return refuse("its manifest is %q, want %q", printable(string(mediaType)), types.OCIManifestSchema1)
	}
	parsed, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return refuse("its manifest can't be read: %v", err)
	}
	m = *parsed
	switch {
	case m.Config.MediaType != ConfigMediaType:
		return refuse("its config is %q, want %q", printable(string(m.Config.MediaType)), ConfigMediaType)
	case len(m.Layers) != 1:
		return refuse("it has %d layers, want one", len(m.Layers))
	case m.Layers[0].MediaType != LayerMediaType:
		return refuse("its layer is %q, want %q", printable(string(m.Layers[0].MediaType)), LayerMediaType)
	}
	return m, m.Layers[0], nil
}

// checkConfig wants a config to be that of a module, of that layer.
func checkConfig(raw []byte, layer v1.Hash) error {
	var c config
	if err := json.Unmarshal(raw, &c); err != nil {
		return fmt.Errorf("%w: its config can't be read: %w", ErrNoModule, err)
	}
	switch {
	case c.OS == osComponent:
		return fmt.Errorf("%w but a component, which this program can't run", ErrNoModule)
	case c.Architecture != architecture || c.OS != osModule:
		return fmt.Errorf("%w: it is for %s/%s, want %s/%s", ErrNoModule, printable(c.OS), printable(c.Architecture), osModule, architecture)
	case !slices.Equal(c.LayerDigests, []string{layer.String()}):
		return fmt.Errorf("%w: its config tells of other layers", ErrTampered)
	}
	return nil
}

// printable is foreign text for a message: short, without control characters.
func printable(text string) string {
	const most = 80
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strings.Trim(fmt.Sprintf("%q", text), `"`)
}
