package console

import (
	"net/http"
	"strings"
)

func (c *Console) secrets(w http.ResponseWriter, r *http.Request, by who) error {
	all, err := c.Service.Secrets.List(r.Context())
	if err != nil {
		return err
	}
	return c.render(w, r, by, "secrets", page{Title: "Secrets", Section: "/secrets", Data: all})
}

// setSecret sets a secret as it was typed, but for line breaks, which browsers send as
// two characters.
func (c *Console) setSecret(w http.ResponseWriter, r *http.Request, _ who) error {
	name, value := strings.TrimSpace(r.PostFormValue("name")), strings.ReplaceAll(r.PostFormValue("value"), "\r\n", "\n")
	if name == "" || value == "" {
		return missing("A secret needs a name and a value.")
	}
	replaced, err := c.Service.Secrets.Set(r.Context(), name, []byte(value))
	if err != nil {
		return err
	}
	if replaced {
		return to(w, r, "secret-replaced", "secrets")
	}
	return to(w, r, "secret-set", "secrets")
}

func (c *Console) confirmRemoveSecret(w http.ResponseWriter, r *http.Request, by who) error {
	name := r.PathValue("secret")
	return c.render(w, r, by, "confirm", page{Title: "Remove secret " + name, Section: "/secrets", Data: confirm{
		Title: "Remove secret " + name, Deed: "Remove the secret", Back: "/secrets", Action: pathTo("secrets", name, "remove"),
		Text: "Tasks that may read it can't begin until it is set again.",
	}})
}

func (c *Console) removeSecret(w http.ResponseWriter, r *http.Request, _ who) error {
	if err := c.Service.Secrets.Remove(r.Context(), r.PathValue("secret")); err != nil {
		return err
	}
	return to(w, r, "removed", "secrets")
}
