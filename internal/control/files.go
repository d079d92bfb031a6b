package control

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
)

// OpenFile reads a file that a task of a run has left, as [engine.Engine.OpenFile].
func (d *Desk) OpenFile(ctx context.Context, run, digest string) (io.ReadCloser, error) {
	return d.Engine.OpenFile(ctx, run, digest)
}

// OpenFile is [Desk.OpenFile]. What it reads can end early, without an error, when
// the process at the other end ends: compare the digest.
func (c *Client) OpenFile(ctx context.Context, run, digest string) (io.ReadCloser, error) {
	resp, err := c.post(ctx, "file", request{Run: run, Digest: digest})
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// file streams what [Desk.OpenFile] reads.
func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	var asked request
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		refuse(w, &Error{http.StatusBadRequest, "decode the request: " + err.Error()})
		return
	}
	file, err := s.desk.OpenFile(r.Context(), asked.Run, asked.Digest)
	if err != nil {
		refuse(w, err)
		return
	}
	defer func() { _ = file.Close() }() // it was read only
	if _, err := io.Copy(w, file); err != nil {
		panic(http.ErrAbortHandler) // which the other end sees
	}
}
