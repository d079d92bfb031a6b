package mcp

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/script"
	protocol "github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	maxFileBytes = 4 << 20 // of all files that are part of a result
	maxFiles     = 100     // that are
	maxListed    = 1000    // files that are told by name
)

// fileTypes are types by the ends of names, where the content does not tell them.
var fileTypes = map[string]string{
	".csv": "text/csv", ".tsv": "text/tab-separated-values", ".json": "application/json", ".jsonl": "application/jsonl",
	".md": "text/markdown", ".html": "text/html", ".svg": "image/svg+xml", ".xml": "application/xml",
	".py": "text/x-python", ".js": "text/javascript", ".ts": "text/typescript", ".yaml": "application/yaml", ".yml": "application/yaml",
}

// imageTypes are what a client shows as an image. The content has to be one.
var imageTypes = map[string]bool{"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true}

// fileContents are the files that code left, in order, and those of them as content
// that there is room for.
func fileContents(files []script.File) (told []fileOutcome, contents []protocol.Content) {
	room := maxFileBytes
	for _, f := range files[:min(len(files), maxListed)] {
		one := fileOutcome{Name: strings.ToValidUTF8(f.Name, "\ufffd"), Size: len(f.Data), Type: typeOf(f)}
		if len(f.Data) <= room && len(contents) < maxFiles {
			room -= len(f.Data)
			one.Included = true
			contents = append(contents, contentOf(one, f.Data))
		}
		told = append(told, one)
	}
	return told, contents
}

func typeOf(f script.File) string {
	sniffed, _, _ := strings.Cut(http.DetectContentType(f.Data), ";")
	named, ok := fileTypes[strings.ToLower(path.Ext(f.Name))]
	if ok && !imageTypes[sniffed] && utf8.Valid(f.Data) {
		return named
	}
	return sniffed
}

// contentOf is a file as an image, or as a resource.
func contentOf(f fileOutcome, data []byte) protocol.Content {
	if imageTypes[f.Type] {
		return &protocol.ImageContent{Data: data, MIMEType: f.Type}
	}
	resource := &protocol.ResourceContents{URI: (&url.URL{Scheme: "file", Path: "/out/" + f.Name}).String(), MIMEType: f.Type}
	if utf8.Valid(data) && len(data) > 0 {
		resource.Text = string(data)
	} else {
		resource.Blob = append([]byte{}, data...) // of an empty file, too, one of both has to be there
	}
	return &protocol.EmbeddedResource{Resource: resource}
}
