package cell

import "os"

// Ways are how cells can be started, by NewIn; the last works everywhere.
var Ways = []string{"as nobody", "in own user namespace", "in namespaces", "without namespaces"}

// NewIn is New for one way to start cells.
func NewIn(config Config, way int) (*Pool, error) {
	p, err := New(config)
	if err == nil {
		p.choice = &choice{at: way, proven: true}
	}
	return p, err
}

// ParentConn is a connection as a parent has it.
func ParentConn(file *os.File, most int64) (*Conn, error) {
	e, err := newParentEnd(file)
	if err != nil {
		return nil, err
	}
	return newConn(e, most), nil
}

// PrefixSize is how a frame begins.
const PrefixSize = prefixSize
