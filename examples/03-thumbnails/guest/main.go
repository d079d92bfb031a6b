// Command guest makes thumbnails of images and a contact sheet of those.
package main

import (
	"encoding/json"
	"image"
	_ "image/gif" // decoder
	"image/jpeg"
	_ "image/png" // decoder
	"os"
	"path"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/sdk"
)

func main() {}

// outDir is the granted directory for results; a variable for native tests.
var outDir = "/out"

const (
	defaultWidth = 160        // of a thumbnail's longer side, pixels
	maxPixels    = 64_000_000 // of a source image; more is refused before it is decoded
	jpegQuality  = 85
)

// Folder is where to look for images.
type Folder struct {
	Dir string `json:"dir,omitempty" doc:"a granted directory; /in if absent"`
}

var list = sdk.Task("list", "lists the images of a directory", func(_ *sdk.Context, in Folder) ([]string, error) {
	if in.Dir == "" {
		in.Dir = "/in"
	}
	entries, err := os.ReadDir(in.Dir) // sorted
	if err != nil {
		return nil, sdk.Permanent(sdk.Fail("no_images", "list images: %w (is the directory granted?)", err))
	}
	paths := []string{}
	for _, entry := range entries {
		extension := strings.ToLower(path.Ext(entry.Name()))
		if !entry.IsDir() && slices.Contains([]string{".jpg", ".jpeg", ".png", ".gif"}, extension) {
			paths = append(paths, path.Join(in.Dir, entry.Name()))
		}
	}
	return paths, nil
})

// Request is a path, or an object with a path and a width.
type Request struct {
	Path  string
	Width int // of the longer side, in pixels; 160 if absent
}

// UnmarshalJSON takes both forms.
func (r *Request) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &r.Path)
	}
	var object struct {
		Path  string `json:"path"`
		Width int    `json:"width"`
	}
	err := json.Unmarshal(data, &object)
	*r = Request(object)
	return err
}

// MarshalJSON writes the object.
func (r Request) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"path": r.Path, "width": r.Width})
}

// Thumb is one thumbnail.
type Thumb struct {
	Source string `json:"source"`
	Thumb  string `json:"thumb"` // path
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Bytes  int    `json:"bytes"`
}

var resize = sdk.Task("resize", "makes a thumbnail of one image", func(c *sdk.Context, in Request) (Thumb, error) {
	if in.Path == "" || in.Width < 0 {
		return Thumb{}, sdk.Permanent(sdk.Fail(sdk.KindInvalidInput, "resize %q to %d: want a path and a positive width", in.Path, in.Width))
	}
	if in.Width == 0 {
		in.Width = defaultWidth
	}
	src, err := decode(in.Path)
	if err != nil {
		return Thumb{}, err
	}
	small := downsize(src, in.Width)
	t := Thumb{Source: in.Path, Thumb: thumbPath(in.Path), Width: small.Bounds().Dx(), Height: small.Bounds().Dy()}
	t.Bytes, err = writeJPEG(t.Thumb, small)
	c.Log("%s: %v to %dx%d", in.Path, src.Bounds().Size(), t.Width, t.Height)
	return t, err
})

// decode reads an image whose header promises a sensible size.
func decode(name string) (image.Image, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, sdk.Permanent(err)
	}
	defer func() { _ = f.Close() }()
	config, _, err := image.DecodeConfig(f)
	if err == nil && config.Width*config.Height > maxPixels {
		return nil, sdk.Permanent(sdk.Fail("bad_image", "decode %s: %dx%d pixels are too many", name, config.Width, config.Height))
	}
	var img image.Image
	if err == nil {
		if _, err = f.Seek(0, 0); err == nil {
			img, _, err = image.Decode(f)
		}
	}
	if err == nil && img.Bounds().Empty() {
		err = image.ErrFormat
	}
	if err != nil {
		return nil, sdk.Permanent(sdk.Fail("bad_image", "decode %s: %w", name, err))
	}
	return img, nil
}

// thumbPath keeps the source's extension, so that a.png and a.gif differ.
func thumbPath(source string) string {
	return path.Join(outDir, "thumbs", path.Base(source)+".jpg")
}

// writeJPEG writes img and answers how many bytes it took.
func writeJPEG(name string, img image.Image) (int, error) {
	var b strings.Builder
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: jpegQuality}); err != nil {
		return 0, err
	}
	if err := os.MkdirAll(path.Dir(name), 0o755); err != nil {
		return 0, err
	}
	return b.Len(), os.WriteFile(name, []byte(b.String()), 0o644)
}

//go:wasmexport list
func _list() int32 { return list.Run() }

//go:wasmexport resize
func _resize() int32 { return resize.Run() }

//go:wasmexport sheet
func _sheet() int32 { return sheet.Run() }
