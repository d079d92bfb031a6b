package parts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/vuln/scan"
)

// VulnDB is Go's database of vulnerabilities.
const VulnDB = "https://vuln.go.dev"

// A NotCheckedError says that nothing was checked, as the database can't be reached.
type NotCheckedError struct {
	DB  string
	Err error
}

func (e *NotCheckedError) Error() string {
	return fmt.Sprintf("vulnerabilities NOT CHECKED: the database %s can't be reached: %v", e.DB, e.Err)
}

func (e *NotCheckedError) Unwrap() error { return e.Err }

// ErrVulnerable means that there are known vulnerabilities in what is called.
var ErrVulnerable = errors.New("known vulnerabilities are called; update those modules")

// Reach is a *[NotCheckedError] unless a database, as https:// or file://, has an index.
func Reach(ctx context.Context, db string) error {
	where, err := url.Parse(db)
	if err != nil {
		return fmt.Errorf("the database's address: %w", err)
	}
	if where.Scheme == "file" {
		if _, err := os.Stat(filepath.Join(filepath.FromSlash(where.Path), "index", "db.json")); err != nil {
			return &NotCheckedError{db, err}
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(db, "/")+"/index/db.json", nil)
	if err != nil {
		return fmt.Errorf("the database's address: %w", err)
	}
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		return &NotCheckedError{db, err}
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
		return &NotCheckedError{db, errors.Join(err, errors.New(answer.Status))}
	}
	return nil
}

// Scan looks for known vulnerabilities in what a module's packages call, tests too, and
// writes what it finds. Those in modules that are only needed, or in functions that
// nothing calls, are no error.
func Scan(ctx context.Context, w io.Writer, db, dir string, packages ...string) error {
	cmd := scan.Command(ctx, append([]string{"-C", dir, "-db", db, "-test"}, packages...)...)
	var complaints bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(""), w, io.MultiWriter(w, &complaints)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start govulncheck: %w", err)
	}
	err := cmd.Wait()
	var coded interface{ ExitCode() int }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &coded) && coded.ExitCode() == 3: // as govulncheck documents it
		return ErrVulnerable
	}
	return fmt.Errorf("govulncheck: %w: %s", err, bytes.TrimSpace(complaints.Bytes()))
}
