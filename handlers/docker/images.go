package docker

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"

	"github.com/graflow/graflow-wasm/engine"
)

// Pin implements engine.Pinner: the task's image, and the digest that it has here, or
// in its registry if it is not here or to be pulled always: "name@sha256:…" of an image
// that is from a registry, the image's id of one that is not. An image that nobody can tell of now, since there is no
// daemon or no image yet, is not pinned: both are "".
func (h *Handler) Pin(ctx context.Context, task *engine.Task) (name, digest string, err error) {
	s, err := h.settings(ctx, task)
	if err != nil {
		return "", "", err
	}
	name = s.image.String()
	if s.image.digest != "" {
		return name, name, nil
	}
	if s.pull != pullAlways || s.image.id != "" {
		found, err := h.inspect(ctx, name)
		if err == nil {
			return name, pinOf(s.image, found), nil
		}
		if !errdefs.IsNotFound(err) || s.pull == pullNever || s.image.id != "" {
			return "", "", nil
		}
	}
	auth, err := h.registryAuth(ctx, s)
	if err != nil {
		return "", "", nil //nolint:nilerr // the attempt will say so, if it comes to that
	}
	var there registry.DistributionInspect
	err = h.ask(ctx, "look for image "+name, func(ctx context.Context) (err error) {
		there, err = h.docker.DistributionInspect(ctx, name, auth)
		return err
	})
	if err != nil {
		return "", "", nil //nolint:nilerr // likewise
	}
	return name, s.image.familiar() + "@" + string(there.Descriptor.Digest), nil
}

// inspect looks for an image here.
func (h *Handler) inspect(ctx context.Context, ref string) (found image.InspectResponse, err error) {
	err = h.ask(ctx, "look for image "+ref, func(ctx context.Context) (err error) {
		found, err = h.docker.ImageInspect(ctx, ref)
		return err
	})
	return found, err
}

// Pinned implements engine.PinFinder: the image is here, or can be pulled by its
// digest.
func (h *Handler) Pinned(ctx context.Context, task *engine.Task, digest string) bool {
	if _, err := h.inspect(ctx, digest); err == nil {
		return true
	}
	s, err := h.settings(ctx, task)
	return err == nil && s.pull != pullNever && strings.Contains(digest, "@")
}

func pinOf(ref reference, found image.InspectResponse) string {
	for _, digest := range found.RepoDigests {
		if strings.HasPrefix(digest, ref.familiar()+"@") {
			return digest
		}
	}
	return found.ID
}

// image finds the image of an attempt, and pulls it first if need be. That of a run
// which is pinned is the one that it began with.
func (a *attempt) image(ctx context.Context) (image.InspectResponse, error) {
	s, h := a.settings, a.handler
	ref, pinned := s.image.String(), a.call.Pins[s.image.String()]
	if pinned != "" {
		ref = pinned
	}
	if s.pull == pullAlways && pinned == "" && !strings.HasPrefix(ref, "sha256:") {
		if err := a.pull(ctx, ref); err != nil {
			return image.InspectResponse{}, err
		}
	}
	found, err := h.inspect(ctx, ref)
	if err == nil || !errdefs.IsNotFound(err) {
		return found, err
	}
	if why := a.unpullable(ref); why != "" {
		return found, lasting(KindImageMissing, "image %s is not here, and is not pulled: %s; build or load it", ref, why)
	}
	if err := a.pull(ctx, ref); err != nil {
		return found, err
	}
	return h.inspect(ctx, ref)
}

// unpullable is why an image is not to be pulled; "" if it may be.
func (a *attempt) unpullable(ref string) string {
	if strings.HasPrefix(ref, "sha256:") {
		return "the run is pinned to an image that is from no registry"
	}
	if a.settings.pull == pullNever {
		return "pull is never, or the operator's policy allows none"
	}
	return ""
}

// pull pulls an image, and tells of it as the task's progress.
func (a *attempt) pull(ctx context.Context, ref string) error {
	auth, err := a.handler.registryAuth(ctx, a.settings)
	if err != nil {
		return err
	}
	answer, err := a.handler.docker.ImagePull(ctx, ref, image.PullOptions{RegistryAuth: auth})
	if err == nil {
		err = errors.Join(a.tellPull(answer), answer.Close())
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("pull image %s: %w", ref, context.Cause(ctx))
	case errdefs.IsNotFound(err), strings.Contains(err.Error(), "manifest unknown"), strings.Contains(err.Error(), "not found"):
		return lasting(KindImageMissing, "pull image %s: its registry has none: %w; look at its name, or at registry_auth", ref, err)
	case errdefs.IsUnauthorized(err), errdefs.IsPermissionDenied(err), strings.Contains(err.Error(), "unauthorized"),
		strings.Contains(err.Error(), "no basic auth"), strings.Contains(err.Error(), "denied"):
		return lasting(KindImagePull, "pull image %s: its registry refuses: %w; name a secret with its credentials in registry_auth", ref, err)
	}
	var own *attemptError
	if err = ofDaemon("pull image "+ref, err); errors.As(err, &own) && own.kind == KindUnavailable {
		return err
	}
	return passing(KindImagePull, "%w", err)
}

// layer is how far one layer of an image is, in bytes.
type layer struct{ done, total int64 }

// tellPull reads what the daemon tells until the image is there.
func (a *attempt) tellPull(answer io.Reader) error {
	layers := map[string]layer{}
	for lines := json.NewDecoder(bufio.NewReader(answer)); ; {
		var line struct {
			ID       string
			Status   string
			Error    string
			Progress struct{ Current, Total int64 } `json:"progressDetail"`
		}
		if err := lines.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if line.Error != "" {
			return errors.New(line.Error)
		}
		if line.Progress.Total > 0 {
			layers[line.ID+line.Status] = layer{line.Progress.Current, line.Progress.Total}
			var sum layer
			for _, l := range layers {
				sum.done, sum.total = sum.done+l.done, sum.total+l.total
			}
			a.call.Sink.Progress(float64(sum.done), float64(sum.total), "pulling "+a.settings.image.String())
		}
	}
}

// registryAuth is how the daemon shows credentials to a registry; "" are none.
func (h *Handler) registryAuth(ctx context.Context, s *settings) (string, error) {
	if s.registryAuth == "" {
		return "", nil
	}
	if h.config.Secrets == nil {
		return "", lasting(engine.KindDenied, "docker.registry_auth: there are no secrets here, and so no %q", s.registryAuth)
	}
	value, err := h.config.Secrets.Secret(ctx, s.registryAuth)
	if err != nil {
		return "", passing(engine.KindDenied, "docker.registry_auth: secret %q: %w", s.registryAuth, err)
	}
	var auth registry.AuthConfig
	if slices.Contains(value, '{') {
		err = json.Unmarshal(value, &auth)
	} else {
		var ok bool
		if auth.Username, auth.Password, ok = strings.Cut(strings.TrimSpace(string(value)), ":"); !ok {
			err = errors.New("no colon")
		}
	}
	if err != nil { // whose text may have some of the secret
		return "", lasting(engine.KindInvalidInput, `docker.registry_auth: secret %q is neither user:password nor {"username": …, "password": …}`, s.registryAuth)
	}
	data, err := json.Marshal(auth)
	return base64.URLEncoding.EncodeToString(data), err
}
