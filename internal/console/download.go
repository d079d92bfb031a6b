package console

import (
	"mime"
	"net/http"
	"strings"
)

// download has a browser store what follows as a file, and never show it.
func download(w http.ResponseWriter, name, kind string) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name[strings.LastIndexByte(name, '/')+1:]}))
}

// broken ends an answer that has begun and can't be ended well: the browser is to see
// that.
func (c *Console) broken(r *http.Request, err error) error {
	if err == nil || r.Context().Err() != nil {
		return nil
	}
	c.Log.ErrorContext(r.Context(), "answer a request", "method", r.Method, "path", r.URL.Path, "err", err)
	panic(http.ErrAbortHandler)
}
