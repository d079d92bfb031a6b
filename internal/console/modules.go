package console

import (
	"cmp"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// modulesView is the list of modules, with the form that uploads one.
type modulesView struct {
	Modules []ops.Module
	Local   bool // those that came with runs too
	Form    moduleForm
}

type moduleForm struct {
	Name, Version, Signer, Signature string
	Problem                          problem
}

func (c *Console) modules(w http.ResponseWriter, r *http.Request, by who) error {
	return c.listModules(w, r, by, http.StatusOK, moduleForm{})
}

func (c *Console) listModules(w http.ResponseWriter, r *http.Request, by who, status int, form moduleForm) error {
	local := r.URL.Query().Get("local") == "yes"
	all, err := c.Service.Modules.List(r.Context(), local)
	if err != nil {
		return err
	}
	c.show(w, r, by, status, "modules", page{Title: "Modules", Section: "/modules", Data: modulesView{all, local, form}})
	return nil
}

// refOf names a module in an address: by its digest what has no name.
func refOf(m ops.Module) string {
	if m.Name == "" {
		return m.Digest
	}
	return m.Name + "@" + m.Version
}

func (c *Console) pushModule(w http.ResponseWriter, r *http.Request, by who) error {
	form, code, err := readModule(r)
	if err != nil {
		return err
	}
	push, err := form.push(code)
	if err == nil {
		push.By = by.Name
		var m ops.Module
		if m, err = c.Service.Modules.Push(r.Context(), push, code); err == nil {
			return to(w, r, "pushed", "modules", refOf(m))
		}
	}
	if form.Problem = problemOf(err); form.Problem.Status >= http.StatusInternalServerError {
		return err
	}
	return c.listModules(w, r, by, form.Problem.Status, form)
}

// readModule reads a form as it comes: the module is in memory once, and in no file.
func readModule(r *http.Request) (form moduleForm, code []byte, err error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return form, nil, missing("Choose a module: the request has no file in it.")
	}
	fields := map[string]*string{"name": &form.Name, "version": &form.Version, "signer": &form.Signer, "signature": &form.Signature}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return form, code, nil
		}
		if err != nil {
			return form, nil, err
		}
		if part.FormName() == "module" {
			if code, err = io.ReadAll(part); err != nil {
				return form, nil, err
			}
			continue
		}
		text, err := io.ReadAll(io.LimitReader(part, 4096))
		if err != nil {
			return form, nil, err
		}
		if field := fields[part.FormName()]; field != nil {
			*field = strings.TrimSpace(string(text))
		}
	}
}

func (f moduleForm) push(code []byte) (ops.ModulePush, error) {
	p := ops.ModulePush{Name: f.Name, Version: f.Version}
	if len(code) == 0 {
		return p, missing("No file is chosen, or it is empty.")
	}
	if f.Name == "" {
		return p, missing("The module needs a name, by which flow files mean it.")
	}
	if (f.Signer == "") != (f.Signature == "") {
		return p, missing("A signature needs the key that made it, and a key its signature.")
	}
	var err1, err2 error
	if f.Signer != "" {
		p.Signer, err1 = hex.DecodeString(f.Signer)
		p.Signature, err2 = hex.DecodeString(f.Signature)
	}
	if cmp.Or(err1, err2) != nil {
		return p, missing("The key and the signature are to be in hex, as module sign prints them.")
	}
	return p, nil
}

// moduleView is a module.
type moduleView struct {
	ops.Module

	Ref   string
	Tasks []moduleTask
	About jsonView
}

type moduleTask struct {
	Name, Doc     string
	Input, Output jsonView
}

func (c *Console) module(w http.ResponseWriter, r *http.Request, by who) error {
	m, err := c.Service.Modules.Show(r.Context(), r.PathValue("module"))
	if err != nil {
		return err
	}
	v := moduleView{Module: m, Ref: refOf(m), About: newJSON(m.Description, "")}
	v.About.Fold = true
	for _, t := range m.Tasks {
		v.Tasks = append(v.Tasks, moduleTask{t.Name, t.Doc, newJSON(t.Input, ""), newJSON(t.Output, "")})
	}
	return c.render(w, r, by, "module", page{Title: v.Ref, Section: "/modules", Data: v})
}

func (c *Console) moduleContent(w http.ResponseWriter, r *http.Request, _ who) error {
	m, err := c.Service.Modules.Show(r.Context(), r.PathValue("module"))
	if err != nil {
		return err
	}
	code, err := c.Service.Modules.Open(r.Context(), m.Digest)
	if err != nil {
		return err
	}
	defer code.Close()
	download(w, cmp.Or(m.Name, shortDigest(m.Digest))+".wasm", "application/wasm")
	_, err = io.Copy(w, code)
	return c.broken(r, err)
}

func (c *Console) confirmRemoveModule(w http.ResponseWriter, r *http.Request, by who) error {
	m, err := c.Service.Modules.Show(r.Context(), r.PathValue("module"))
	if err != nil {
		return err
	}
	ref := refOf(m)
	return c.render(w, r, by, "confirm", page{Title: "Remove module " + ref, Section: "/modules", Data: confirm{
		Title: "Remove module " + ref, Deed: "Remove the module", Back: pathTo("modules", ref), Action: pathTo("modules", ref, "remove"),
		Text: "Flows that mean it can't begin any more, and runs that have begun with it can't go on once no worker keeps it.",
	}})
}

func (c *Console) removeModule(w http.ResponseWriter, r *http.Request, _ who) error {
	if err := c.Service.Modules.Remove(r.Context(), r.PathValue("module")); err != nil {
		return err
	}
	return to(w, r, "removed", "modules")
}
