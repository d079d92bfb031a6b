package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync"

	"github.com/graflow/graflow-wasm/internal/layout"
)

//go:embed static templates
var files embed.FS

// graphStyle is the style sheet of drawings.
const graphStyle = "/static/graph.css"

// assets are the paths of what pages load, by name: a path changes with what is there.
var assets = sync.OnceValue(func() map[string]string {
	paths := map[string]string{}
	names, err := fs.Glob(files, "static/*")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(data)
		paths[strings.TrimPrefix(name, "static/")] = "/" + name + "?v=" + hex.EncodeToString(sum[:6])
	}
	sum := sha256.Sum256([]byte(layout.Style()))
	paths["graph.css"] = graphStyle + "?v=" + hex.EncodeToString(sum[:6])
	return paths
})

// static serves what pages load. It is public: there is nothing in it but this package.
func static() http.Handler {
	server := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") { // lists nothing
			http.NotFound(w, r)
			return
		}
		if r.URL.Query().Has("v") {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		if r.URL.Path == graphStyle {
			w.Header().Set("Content-Type", "text/css; charset=utf-8")
			_, _ = io.WriteString(w, layout.Style()) // who has left needs none
			return
		}
		server.ServeHTTP(w, r)
	})
}
