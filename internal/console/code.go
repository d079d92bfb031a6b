package console

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// codeView is the form for code, with what came of it.
type codeView struct {
	Languages             []choice
	Language              string
	Source, Input         string
	Timeout, Memory, Fuel string
	Ran                   bool
	Result                ops.CodeResult
	Value                 jsonView
	Ledger                ledger
	LedgerJSON            jsonView
	Lines                 []sourceLine // of the source, if an error is at one
	Files                 []codeFile
	Problem               problem
}

type codeFile struct {
	Name string
	Size int
}

const emptyPython = `def main(input):
    """Runs in a sandbox of its own: no files, no network."""
    words = input["text"].split()
    print("counting", len(words), "words")
    return {"words": len(words), "longest": max(words, key=len)}
`

func (c *Console) codePage(w http.ResponseWriter, r *http.Request, by who) error {
	v := codeView{Language: "python", Source: emptyPython, Input: `{"text": "the quick brown fox"}`, Timeout: "5s", Memory: "128MiB"}
	return c.showCode(w, r, by, http.StatusOK, v)
}

func (c *Console) showCode(w http.ResponseWriter, r *http.Request, by who, status int, v codeView) error {
	v.Languages = choices(v.Language, "python", "Python", "javascript", "JavaScript", "typescript", "TypeScript")
	c.show(w, r, by, status, "code", page{Title: "Try code", Section: "/code", Data: v})
	return nil
}

func (c *Console) runCode(w http.ResponseWriter, r *http.Request, by who) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	get := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	v := codeView{
		Language: get("language"), Source: strings.ReplaceAll(r.PostForm.Get("source"), "\r\n", "\n"), Input: get("input"),
		Timeout: get("timeout"), Memory: get("memory"), Fuel: get("fuel"),
	}
	request, err := v.request()
	if err == nil {
		if v.Result, err = c.Service.Code.Run(r.Context(), request); err == nil {
			v.told()
			return c.showCode(w, r, by, http.StatusOK, v)
		}
	}
	if v.Problem = problemOf(err); v.Problem.Status >= http.StatusInternalServerError {
		return err
	}
	return c.showCode(w, r, by, v.Problem.Status, v)
}

func (v codeView) request() (ops.CodeRequest, error) {
	req := ops.CodeRequest{Language: v.Language, Source: v.Source}
	if strings.TrimSpace(v.Source) == "" {
		return req, missing("There is no code.")
	}
	if v.Input != "" {
		if err := validJSON(v.Input); err != nil {
			return req, missing("The input is not JSON: %s. Text needs quotes.", err)
		}
		req.Input = json.RawMessage(v.Input)
	}
	limits := map[string]any{}
	if v.Timeout != "" {
		limits["timeout"] = v.Timeout
	}
	if v.Memory != "" {
		limits["memory"] = v.Memory
	}
	if v.Fuel != "" {
		n, err := strconv.ParseFloat(v.Fuel, 64)
		if err != nil || n <= 0 {
			return req, missing("The fuel %q is no number.", shortText(40, v.Fuel))
		}
		limits["fuel"] = n
	}
	if len(limits) == 0 {
		return req, nil
	}
	raw, err := json.Marshal(limits)
	req.Limits = raw
	return req, err
}

// told makes what came of code ready to be shown.
func (v *codeView) told() {
	v.Ran, v.Value, v.Ledger, v.LedgerJSON = true, newJSON(v.Result.Result, ""), newLedger(v.Result.Ledger), newJSON(v.Result.Ledger, "")
	v.LedgerJSON.Fold = true
	for _, name := range slices.Sorted(maps.Keys(v.Result.Files)) {
		v.Files = append(v.Files, codeFile{name, len(v.Result.Files[name])})
	}
	if e := v.Result.Error; e != nil && e.Line > 0 {
		for i, text := range strings.Split(strings.TrimSuffix(v.Source, "\n"), "\n") {
			if n := i + 1; n >= e.Line-3 && n <= e.Line+3 {
				line := sourceLine{N: n, Text: text}
				if n == e.Line {
					line.Faults = []string{e.Message}
				}
				v.Lines = append(v.Lines, line)
			}
		}
	}
}
