package parts

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// A Whole is all that a command is made of.
type Whole struct {
	Linked []Part
	Files  []File
}

// Parts are those that are linked and those of the files.
func (w Whole) Parts() []Part {
	all := append([]Part{}, w.Linked...)
	for _, f := range w.Files {
		all = append(all, f.Parts...)
	}
	return all
}

// Check is an error that names each part that may not be passed on, see [Check].
func (w Whole) Check() error {
	var all []error
	for _, p := range w.Parts() {
		all = append(all, Check(p))
	}
	return errors.Join(all...)
}

const line = "--------------------------------------------------------------------------------"

// Notices writes the list of parts, then the text of each license and notice, once each:
// those that differ in white space alone are one.
func (w Whole) Notices(to io.Writer) error {
	var s strings.Builder
	s.WriteString("graflow-wasm is distributed with the following software of others. Each part is\nunder its own license, whose text is below.\n\n")
	type text struct {
		body string
		of   []string
	}
	var texts []*text
	seen := map[string]*text{}
	for _, p := range w.Parts() {
		name := strings.TrimSpace(p.Name + " " + p.Version)
		if p.Within != "" {
			name += " (in " + p.Within + ")"
		}
		fmt.Fprintf(&s, "%s: %s\n", name, strings.Join(p.Licenses, " AND "))
		for _, t := range p.Texts {
			words := strings.Join(strings.Fields(t.Body), " ")
			if seen[words] == nil {
				seen[words] = &text{body: strings.TrimSpace(t.Body)}
				texts = append(texts, seen[words])
			}
			seen[words].of = append(seen[words].of, name+", "+t.Name)
		}
	}
	for _, t := range texts {
		fmt.Fprintf(&s, "\n%s\n%s\n\n%s\n", line, strings.Join(t.of, "\n"), t.body)
	}
	_, err := io.WriteString(to, s.String())
	return err
}
