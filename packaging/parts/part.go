package parts

// A Part is something that others have made and that we pass on: a module of Go that
// is linked into the command, or what one of its embedded files is made of.
type Part struct {
	Name     string
	Version  string
	Origin   string   // where its source is from, as a package URL (purl)
	Sum      string   // what pins it: h1:… of a module of Go, sha256:… of an archive
	Within   string   // the embedded file that it is part of; "" if it is linked
	Licenses []string // SPDX identifiers, in order
	Texts    []Text   // its licenses and notices, in full
}

// A Text is a license or a notice.
type Text struct {
	Name string // the file's, below the part's directory
	Body string
}
