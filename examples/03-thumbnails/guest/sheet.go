package main

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/graflow/graflow-wasm/sdk"
)

// Item is a thumbnail, {"ok": a thumbnail} or {"error": what went wrong}.
type Item struct {
	*Thumb
	OK    *Thumb          `json:"ok,omitempty"`
	Error json.RawMessage `json:"error,omitempty"` // a string, or an object with a message
}

// Sheet is the written contact sheet.
type Sheet struct {
	Path   string `json:"path"`
	Images int    `json:"images"`
	Failed int    `json:"failed"`
}

// page is what the sheet shows.
type page struct {
	Images []Thumb
	Failed []string // one message each
}

var sheet = sdk.Task("sheet", "writes a contact sheet of thumbnails", func(_ *sdk.Context, in []Item) (Sheet, error) {
	var p page
	for _, item := range in {
		switch {
		case item.OK != nil:
			p.Images = append(p.Images, *item.OK)
		case item.Thumb != nil:
			p.Images = append(p.Images, *item.Thumb)
		default:
			p.Failed = append(p.Failed, messageOf(item.Error))
		}
	}
	s := Sheet{Path: path.Join(outDir, "index.html"), Images: len(p.Images), Failed: len(p.Failed)}
	if err := os.MkdirAll(outDir, 0o755); err != nil {
		return Sheet{}, err
	}
	return s, os.WriteFile(s.Path, []byte(p.html()), 0o644)
})

// messageOf finds the text of an error in its forms.
func messageOf(data json.RawMessage) string {
	var text string
	var object struct {
		Message string `json:"message"`
	}
	switch {
	case json.Unmarshal(data, &text) == nil && text != "":
		return text
	case json.Unmarshal(data, &object) == nil && object.Message != "":
		return object.Message
	case len(data) > 0:
		return string(data)
	}
	return "no thumbnail"
}

// html is the page, self-contained but for the thumbnails. It is written by hand
// because html/template calls methods by name, which makes the linker keep
// every host import of the SDK in the guest.
func (p page) html() string {
	var b strings.Builder
	b.WriteString(pageHead)
	images := "images"
	if len(p.Images) == 1 {
		images = "image"
	}
	fmt.Fprintf(&b, "<main>\n<h1>Contact sheet</h1>\n<p>%d %s, %d failed</p>\n<ul class=\"sheet\">\n", len(p.Images), images, len(p.Failed))
	for _, t := range p.Images {
		name := html.EscapeString(path.Base(t.Source))
		fmt.Fprintf(&b, `<li><figure><div class="frame"><img src="%s" width="%d" height="%d" alt="Thumbnail of %s" loading="lazy"></div>`+"\n",
			html.EscapeString(address(t.Thumb)), t.Width, t.Height, name)
		fmt.Fprintf(&b, "<figcaption>%s<small>%d × %d, %d bytes</small></figcaption></figure></li>\n", name, t.Width, t.Height, t.Bytes)
	}
	b.WriteString("</ul>\n")
	if len(p.Failed) > 0 {
		b.WriteString("<section class=\"failed\" aria-labelledby=\"failed\">\n<h2 id=\"failed\">Without a thumbnail</h2>\n<ul>\n")
		for _, message := range p.Failed {
			fmt.Fprintf(&b, "<li>%s</li>\n", html.EscapeString(message))
		}
		b.WriteString("</ul>\n</section>\n")
	}
	b.WriteString("</main>\n</body>\n</html>\n")
	return b.String()
}

// address is a thumbnail's address as seen from the sheet.
func address(thumb string) string {
	return (&url.URL{Path: strings.TrimPrefix(thumb, outDir+"/")}).String()
}

const pageHead = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Contact sheet</title>
<style>
:root { color-scheme: light dark; --paper: #f6f5f1; --ink: #1f2328; --card: #fff; --line: #d9d6cd; --faint: #5c6169; --bad: #a3261b }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #eceae4; --card: #202327; --line: #363a40; --faint: #a8adb5; --bad: #ff9c8f } }
body { margin: 0 auto; max-width: 72rem; padding: 2.5rem 1.25rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
h1 { margin: 0; font-size: 1.75rem; letter-spacing: -.01em }
p { margin: .25rem 0 2rem; color: var(--faint) }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr)); gap: 1rem; margin: 0; padding: 0; list-style: none }
figure { display: flex; flex-direction: column; height: 100%; margin: 0; overflow: hidden; background: var(--card); border: 1px solid var(--line); border-radius: .5rem }
.frame { display: grid; place-items: center; flex: 1; min-height: 10.75rem; padding: .75rem }
img { display: block; max-width: 100%; height: auto; border-radius: .2rem }
figcaption { padding: .6rem .75rem; border-top: 1px solid var(--line); font-size: .875rem; overflow-wrap: anywhere }
small { display: block; color: var(--faint); font-size: .8rem }
.failed { margin-top: 2.5rem; padding: 1rem 1.25rem; border: 1px solid var(--line); border-left: .3rem solid var(--bad); border-radius: .5rem; background: var(--card) }
.failed h2 { margin: 0 0 .5rem; color: var(--bad); font-size: 1.1rem }
.failed ul { margin: 0; padding-left: 1.1rem; overflow-wrap: anywhere }
</style>
</head>
<body>
`
