package main

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/sdk"
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "thumbnails")
	if err != nil {
		panic(err)
	}
	outDir = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// write writes an image whose left half is red and right half blue.
func write(t *testing.T, name string, w, h int, encode func(io.Writer, image.Image) error) {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(img, image.Rect(0, 0, w/2, h), image.NewUniform(color.RGBA{255, 0, 0, 255}), image.Point{}, draw.Src)
	draw.Draw(img, image.Rect(w/2, 0, w, h), image.NewUniform(color.RGBA{0, 0, 255, 255}), image.Point{}, draw.Src)
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := encode(f, img); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func asJPEG(w io.Writer, img image.Image) error { return jpeg.Encode(w, img, nil) }
func asGIF(w io.Writer, img image.Image) error  { return gif.Encode(w, img, nil) }

func TestListAndResize(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "wide.jpg"), 400, 100, asJPEG)
	write(t, filepath.Join(dir, "TALL.PNG"), 90, 320, png.Encode)
	write(t, filepath.Join(dir, "small.gif"), 20, 10, asGIF)
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	paths, err := list.Call(nil, Folder{Dir: dir})
	want := []string{dir + "/TALL.PNG", dir + "/small.gif", dir + "/wide.jpg"}
	if !reflect.DeepEqual(paths, want) || err != nil {
		t.Fatalf("got %q, %v, want %q", paths, err, want)
	}
	sizes := []image.Point{{45, 160}, {20, 10}, {160, 40}}
	for i, name := range paths {
		in, _ := json.Marshal(name)
		data, err := resize.CallJSON(nil, in)
		if err != nil {
			t.Fatal(err)
		}
		checkThumb(t, data, sizes[i])
	}
	got, err := resize.Call(nil, Request{Path: dir + "/wide.jpg", Width: 80})
	if err != nil || got.Width != 80 || got.Height != 20 {
		t.Errorf("got %+v, %v, want 80x20", got, err)
	}
}

func checkThumb(t *testing.T, data []byte, size image.Point) {
	t.Helper()
	var thumb Thumb
	if err := json.Unmarshal(data, &thumb); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(thumb.Thumb)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	img, err := jpeg.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	info, _ := f.Stat()
	if img.Bounds().Size() != size || thumb.Width != size.X || thumb.Height != size.Y || int64(thumb.Bytes) != info.Size() {
		t.Errorf("got %+v and an image of %v, want %v and %d bytes", thumb, img.Bounds().Size(), size, info.Size())
	}
	r, _, b, _ := img.At(1, size.Y/2).RGBA()
	if r>>8 < 200 || b>>8 > 60 {
		t.Errorf("%s: left: got red %d, blue %d, want red", thumb.Source, r>>8, b>>8)
	}
}

func TestDownsizeAverages(t *testing.T) {
	t.Parallel()
	src := image.NewGray(image.Rect(0, 0, 3, 3))
	for i := range src.Pix {
		src.Pix[i] = uint8(i * 20)
	}
	if got, want := downsize(src, 1).RGBAAt(0, 0), (color.RGBA{80, 80, 80, 255}); got != want {
		t.Errorf("3 to 1: got %v, want %v", got, want)
	}
	// Half of the middle pixel counts for each side: (0*1 + 60*.5) / 1.5.
	row := &image.Gray{Pix: []uint8{0, 60, 120}, Stride: 3, Rect: image.Rect(0, 0, 3, 1)}
	if got, want := downsize(row, 2).RGBAAt(0, 0), (color.RGBA{20, 20, 20, 255}); got != want {
		t.Errorf("3 to 2: got %v, want %v", got, want)
	}
}

func TestBadImages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "ok.png"), 64, 64, png.Encode)
	whole, err := os.ReadFile(filepath.Join(dir, "ok.png"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"text.jpg": []byte("not an image"), "empty.gif": nil, "cut.png": whole[:len(whole)/2]} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		l := sdk.NewLocal(sdk.LocalConfig{})
		if _, err := resize.Call(l, Request{Path: file}); err == nil {
			t.Errorf("%s: got no error", name)
			continue
		}
		if f := l.Effects().Failure; f.Kind != "bad_image" || !f.Permanent {
			t.Errorf("%s: got %+v, want bad_image, permanent", name, f)
		}
	}
}

func TestSheet(t *testing.T) {
	t.Parallel()
	thumb := fmt.Sprintf(`"source":"/in/<b>&.png","thumb":"%s/thumbs/<b>&.png.jpg","width":3,"height":4,"bytes":5`, outDir)
	in := `[{` + thumb + `},{"ok":{` + thumb + `}},{"error":"<script>"},{"error":{"kind":"bad_image","message":"cut \"x\""}}]`
	got, err := sheet.CallJSON(nil, json.RawMessage(in))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"path":"` + outDir + `/index.html","images":2,"failed":2}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	html, err := os.ReadFile(outDir + "/index.html")
	if err != nil {
		t.Fatal(err)
	}
	for want, times := range map[string]int{
		`<img src="thumbs/%3Cb%3E&amp;.png.jpg" width="3" height="4" alt="Thumbnail of &lt;b&gt;&amp;.png" loading="lazy">`: 2,
		`<li>&lt;script&gt;</li>`:       1,
		`<li>cut &#34;x&#34;</li>`:      1,
		`<p>2 images, 2 failed</p>`:     1,
		`<b>`:                           0,
		`<script`:                       0,
		`<html lang="en">`:              1,
		`</section>` + "\n" + `</main>`: 1,
	} {
		if got := strings.Count(string(html), want); got != times {
			t.Errorf("%s: got %d, want %d", want, got, times)
		}
	}
}
