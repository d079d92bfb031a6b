package dockertest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// repository is where all images of tests are; label is what they carry, with the
// digest of their content.
const (
	repository = "graflow-test/"
	label      = "graflow-test"
)

// Image makes an image of files alone and returns its reference,
// `graflow-test/NAME:DIGEST`. The files are named by their paths in the image;
// directories above them are made. Each of changes is an instruction of a
// Dockerfile, such as `USER 1000` or `ENTRYPOINT ["/run"]`. The same name, files
// and changes give the same reference: who asks again, in whatever process, has
// the image that is there, and it stays. Blocks while the daemon takes the files;
// safe for concurrent use.
func Image(tb testing.TB, name string, files map[string]File, changes ...string) (reference string) {
	tb.Helper()
	d := connect(tb)
	reference, err := d.image(tb.Context(), name, files, changes)
	if err != nil {
		tb.Fatalf("make the image %s: %v", name, err)
	}
	return reference
}

func (d *daemon) image(ctx context.Context, name string, files map[string]File, changes []string) (string, error) {
	hash := sha256.New()
	if err := writeTar(hash, files); err != nil {
		return "", err
	}
	fmt.Fprintf(hash, "%q", changes)
	digest := fmt.Sprintf("%x", hash.Sum(nil)[:8])
	reference := repository + name + ":" + digest

	// Of two imports at the same time, one would take the other's name away.
	unlock, err := lock(reference)
	if err != nil {
		return "", err
	}
	defer unlock()
	err = d.call(ctx, http.MethodGet, "/images/"+reference+"/json", nil, nil)
	if missing := (refusal{}); !errors.As(err, &missing) || missing.status != http.StatusNotFound {
		return reference, err
	}
	query := url.Values{"fromSrc": {"-"}, "repo": {repository + name}, "tag": {digest}}
	query["changes"] = append(changes[:len(changes):len(changes)], "LABEL "+label+"="+digest)
	body, writer := io.Pipe()
	go func() { writer.CloseWithError(writeTar(writer, files)) }() // it ends with the body
	defer func() { _ = body.Close() }()
	return reference, d.progress(ctx, "/images/create?"+query.Encode(), body, http.Header{"Content-Type": {"application/x-tar"}})
}

// removeImage takes a reference away, and the image with its last one.
func (d *daemon) removeImage(ctx context.Context, reference string) error {
	err := d.call(ctx, http.MethodDelete, "/images/"+reference, nil, nil)
	if missing := (refusal{}); errors.As(err, &missing) && missing.status == http.StatusNotFound {
		return nil
	}
	return err
}

// split parts a reference into its repository and its tag.
func split(reference string) (repository, tag string) {
	i := strings.LastIndexByte(reference, ':')
	return reference[:i], reference[i+1:]
}
