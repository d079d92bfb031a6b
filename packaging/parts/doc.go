// Package parts says what the command is made of: the modules of Go that are linked into
// it, and what its embedded files contain, the interpreters of Python and JavaScript and
// the library that draws graphs.
//
// [Linked] and [Embedded] find the parts, each a [Part] with its licenses, which [Judge]
// tells by their texts and [Check] compares with those that are allowed. [Notices] writes
// all their texts, for whoever passes the command on; [BOM] is the list of parts of a
// binary in CycloneDX, and [Image] that of a directory around it. [Scan] looks for known
// vulnerabilities in what is called of them.
//
// It is a module of its own, so that nothing that it needs becomes a part.
package parts
