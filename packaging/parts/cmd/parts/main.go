// Parts says what the command is made of, see package parts.
//
//	parts licenses -checkout DIR -o FILE
//	parts sbom -checkout DIR -binary FILE -version V [-image DIR] -o FILE
//	parts vulncheck [-db URL] [-required] DIR...
//
// It ends with 1 for what may not be passed on, vulnerabilities that are called, and
// whatever can't be done.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/CycloneDX/cyclonedx-go"

	"github.com/graflow/graflow-wasm/packaging/parts"
)

// platforms are those of releases, see packaging/.goreleaser.yaml.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64"}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "parts:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	deeds := map[string]func(context.Context, []string) error{"licenses": licenses, "sbom": sbom, "vulncheck": vulncheck}
	if len(args) == 0 || deeds[args[0]] == nil {
		return errors.New("want one of licenses, sbom, vulncheck")
	}
	return deeds[args[0]](ctx, args[1:])
}

func whole(ctx context.Context, checkout string) (parts.Whole, error) {
	j, err := parts.NewJudge()
	if err != nil {
		return parts.Whole{}, err
	}
	var w parts.Whole
	if w.Linked, err = parts.Linked(ctx, j, checkout, "./cmd/graflow-wasm", platforms...); err != nil {
		return w, err
	}
	if w.Files, err = parts.Embedded(j, checkout); err != nil {
		return w, err
	}
	return w, errors.Join(w.Check(), parts.CheckLocks(checkout))
}

func licenses(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("licenses", flag.ContinueOnError)
	checkout := flags.String("checkout", ".", "the checkout")
	to := flags.String("o", "", "file to write all texts to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	w, err := whole(ctx, *checkout)
	if err != nil {
		return err
	}
	fmt.Printf("licenses: %d modules, %d embedded files of %d parts: all allowed\n", len(w.Linked), len(w.Files), len(w.Parts())-len(w.Linked))
	if *to == "" {
		return nil
	}
	return write(*to, w.Notices)
}

func sbom(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("sbom", flag.ContinueOnError)
	checkout := flags.String("checkout", ".", "the checkout")
	binary := flags.String("binary", "bin/graflow-wasm", "what to list the parts of")
	version := flags.String("version", "devel", "the command's version")
	image := flags.String("image", "", "directory with all files of an image")
	to := flags.String("o", "build/sbom.cdx.json", "file to write to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	w, err := whole(ctx, *checkout)
	if err != nil {
		return err
	}
	bom, err := parts.BOM(*binary, *version, w)
	if err != nil {
		return err
	}
	if *image != "" {
		if err := parts.Image(bom, *image); err != nil {
			return err
		}
	}
	var raw bytes.Buffer
	if err := cyclonedx.NewBOMEncoder(&raw, cyclonedx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cyclonedx.SpecVersion1_6); err != nil {
		return fmt.Errorf("encode the list: %w", err)
	}
	var again cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(raw.Bytes()), cyclonedx.BOMFileFormatJSON).Decode(&again); err != nil {
		return fmt.Errorf("the list can't be read again: %w", err)
	}
	fmt.Printf("sbom: %s: %d components\n", *to, len(*again.Components))
	return write(*to, func(w io.Writer) error {
		_, err := w.Write(raw.Bytes())
		return err
	})
}

func vulncheck(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("vulncheck", flag.ContinueOnError)
	db := flags.String("db", parts.VulnDB, "database, https:// or file://")
	required := flags.Bool("required", false, "fail where the database can't be reached")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var not *parts.NotCheckedError
	if err := parts.Reach(ctx, *db); errors.As(err, &not) && !*required {
		fmt.Println(err)
		return nil
	} else if err != nil {
		return err
	}
	var all []error
	for _, dir := range flags.Args() {
		fmt.Printf("vulnerabilities: %s\n", dir)
		if err := parts.Scan(ctx, os.Stdout, *db, dir, "./..."); err != nil {
			all = append(all, fmt.Errorf("%s: %w", dir, err))
		}
	}
	return errors.Join(all...)
}

// write makes a file, whole or not at all.
func write(file string, f func(io.Writer) error) error {
	var raw bytes.Buffer
	if err := f(&raw); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // build/
		return err
	}
	if err := os.WriteFile(file+".new", raw.Bytes(), 0o644); err != nil { //nolint:gosec // to be read by all
		return err
	}
	return os.Rename(file+".new", file)
}
