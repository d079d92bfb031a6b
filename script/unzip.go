package script

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// What a wheel or zip file may hold.
const (
	maxZipBytes = 128 << 20
	maxZipFiles = 20_000
	maxZipName  = 512 // bytes
	// maxZipRatio is by how much one may shrink, beyond zipSlack. Source code shrinks
	// to a fifth, lists of numbers to a fiftieth; bombs to a thousandth.
	maxZipRatio = 200
	zipSlack    = 1 << 20
)

// unzip reads all files of a zip file. Nobody need trust it: its names stay inside, and
// its sizes within bounds, whatever its headers say.
func unzip(name string) (map[string][]byte, error) {
	if info, err := os.Stat(name); err == nil && info.Size() > maxZipBytes {
		return nil, fmt.Errorf("it has %d bytes, more than %d", info.Size(), maxZipBytes)
	}
	archive, err := zip.OpenReader(name)
	if err != nil {
		return nil, fmt.Errorf("it is no wheel or zip file: %w", err)
	}
	defer archive.Close() //nolint:errcheck // it was read
	if len(archive.File) > maxZipFiles {
		return nil, fmt.Errorf("it holds %d files, more than %d", len(archive.File), maxZipFiles)
	}
	files := make(map[string][]byte, len(archive.File))
	left := int64(maxZipBytes)
	for _, f := range archive.File {
		if strings.HasSuffix(f.Name, "/") && f.UncompressedSize64 == 0 {
			continue // a directory
		}
		data, err := unzipFile(f, left)
		if err != nil {
			return nil, fmt.Errorf("%q in it: %w", f.Name, err)
		}
		if _, twice := files[f.Name]; twice {
			return nil, fmt.Errorf("%q in it: it is there twice", f.Name)
		}
		files[f.Name] = data
		left -= int64(len(data))
	}
	return files, checkTree(files)
}

// unzipFile reads one file of at most most bytes.
func unzipFile(f *zip.File, most int64) ([]byte, error) {
	switch {
	case len(f.Name) > maxZipName:
		return nil, fmt.Errorf("the name has more than %d bytes", maxZipName)
	case !fs.ValidPath(f.Name) || f.Name == "." || strings.ContainsAny(f.Name, "\\\x00"):
		return nil, fmt.Errorf("the name is not a relative path with slashes")
	case !f.Mode().IsRegular():
		return nil, fmt.Errorf("it is no regular file")
	}
	most = min(most, int64(min(f.CompressedSize64, maxZipBytes))*maxZipRatio+zipSlack)
	content, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	data, err := io.ReadAll(io.LimitReader(content, most+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(data)) > most:
		return nil, fmt.Errorf("it grows beyond %d bytes, which looks like a bomb", most)
	}
	return data, nil
}

// checkTree refuses a file that is a directory of another one, too.
func checkTree(files map[string][]byte) error {
	for name := range files {
		for i, c := range name {
			if c != '/' {
				continue
			}
			if _, is := files[name[:i]]; is {
				return fmt.Errorf("%q in it is both a file and a directory", name[:i])
			}
		}
	}
	return nil
}
