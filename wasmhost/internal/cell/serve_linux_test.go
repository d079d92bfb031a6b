package cell_test

import (
	"errors"
	"fmt"
	"os"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
)

// Kinds of frames of the cells of these tests.
const (
	kindEcho   = iota // answered by the same
	kindDo            // the header names a deed; answered by kindDone or kindFailed
	kindDone          // its data says more
	kindFailed        // its data is the error
)

// serve does what it is asked, the worst included.
func serve(c *cell.Conn) error {
	for {
		f, err := c.Read()
		if err != nil {
			return err
		}
		switch f.Kind {
		case kindEcho:
			err = c.Write(kindEcho, f.Header, f.Data)
		case kindDo:
			err = answer(c, f)
		default:
			err = fmt.Errorf("kind %d", f.Kind)
		}
		if err != nil {
			return err
		}
	}
}

func answer(c *cell.Conn, f cell.Frame) error {
	do, ok := deeds[string(f.Header)]
	if !ok {
		do = func(*cell.Conn, cell.Frame) (string, error) { return "", errors.New("no such deed") }
	}
	said, err := do(c, f)
	if err != nil {
		return c.Write(kindFailed, nil, []byte(err.Error()))
	}
	return c.Write(kindDone, nil, []byte(said))
}

// deeds are what a cell can be asked to do.
var deeds = map[string]func(*cell.Conn, cell.Frame) (string, error){
	"exit":  func(*cell.Conn, cell.Frame) (string, error) { os.Exit(7); return "", nil },
	"panic": func(*cell.Conn, cell.Frame) (string, error) { panic("as wazero might") },
	"crash": func(*cell.Conn, cell.Frame) (string, error) {
		var p *int
		return fmt.Sprint(*p), nil
	},
	"sleep": func(*cell.Conn, cell.Frame) (string, error) { select {} },
}
