package console

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/graflow/graflow-wasm/engine"
)

// maxLines is how many lines of a log a page shows, the last ones.
const maxLines = 1000

// logsView is what the tasks of a run have logged.
type logsView struct {
	runHead

	Lines []logLine
	Left  int // earlier ones, that are not shown
	Task  string
}

// logLine is a line of a log as a page shows it.
type logLine struct {
	engine.Notice

	Kind string // its level, or what else it is
}

func newLogLine(n engine.Notice) logLine {
	l := logLine{Notice: n, Kind: n.Level}
	switch n.Type {
	case engine.NoticeTaskProgress:
		l.Kind = "progress"
		share := ""
		if n.Total > 0 {
			share = fmt.Sprintf("%.0f %% ", 100*n.Done/n.Total)
		} else if n.Done > 0 {
			share = strconv.FormatFloat(n.Done, 'g', 6, 64) + " "
		}
		l.Message = share + n.Message
	case engine.NoticeWarning:
		l.Kind = "warning"
	default:
		if l.Kind == "" {
			l.Kind = "info"
		}
	}
	return l
}

// logsAfter are the lines after one of a sequence, at most the last ones, the sequence
// of the last, and how many were left out.
func (c *Console) logsAfter(ctx context.Context, run string, after uint64, task string) (lines []logLine, last uint64, left int, err error) {
	last = after
	for n, err := range c.Service.Runs.Logs(ctx, run, after) {
		if err != nil {
			return lines, last, left, err
		}
		last = max(last, n.Seq)
		if task != "" && n.Activation != task {
			continue
		}
		if lines = append(lines, newLogLine(n)); len(lines) >= 2*maxLines {
			left += len(lines) - maxLines
			lines = append(lines[:0], lines[len(lines)-maxLines:]...)
		}
	}
	if over := len(lines) - maxLines; over > 0 {
		left += over
		lines = lines[over:]
	}
	return lines, last, left, nil
}

func (c *Console) runLogs(w http.ResponseWriter, r *http.Request, by who) error {
	h, err := c.head(r.Context(), r.PathValue("run"), "logs")
	if err != nil {
		return err
	}
	task := r.URL.Query().Get("task")
	lines, last, left, err := c.logsAfter(r.Context(), h.Run, 0, task)
	if err != nil {
		return err
	}
	p := h.page(logsView{h, lines, left, task}, last)
	if p.Live != "" && task != "" {
		q, err := query("task", task)
		if err != nil {
			return err
		}
		p.Live += "&" + q[1:]
	}
	return c.render(w, r, by, "run_logs", p)
}

// runFile is a file that a task has left. It is never shown in a page of the console:
// who wrote it is not trusted.
func (c *Console) runFile(w http.ResponseWriter, r *http.Request, _ who) error {
	run, digest := r.PathValue("run"), r.PathValue("digest")
	s, err := c.Service.Runs.Show(r.Context(), run)
	if err != nil {
		return err
	}
	name := ""
	for _, f := range s.Files {
		if f.Digest == digest {
			name = f.Name
		}
	}
	if name == "" { // blobs that are no files of the run are not for everybody
		return fmt.Errorf("run %q: file %s: %w", run, shortText(80, digest), engine.ErrNotFound)
	}
	file, err := c.Service.Runs.OpenFile(r.Context(), run, digest)
	if err != nil {
		return err
	}
	defer file.Close()
	download(w, name, "application/octet-stream")
	_, err = io.Copy(w, file)
	return c.broken(r, err)
}
