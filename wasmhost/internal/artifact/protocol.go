package artifact

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// A request to a compile child is, on its stdin, the magic, the length of the
// header (4 bytes, big endian), the header as JSON, and the module. Stdin then
// stays open: its end tells the child that its parent is gone. The answer, on
// stdout, is the magic, the same with an answer, and the native code.
const (
	protocolMagic = "graflow compile 1\n"
	maxHeader     = 64 << 10
)

// request is what a child is to do.
type request struct {
	Dir     string // its own empty directory
	Limits  Limits
	Options Options
	Workers int
	Size    int64 // of the module that follows
}

// answer describes the code that follows.
type answer struct {
	Name string // of wazero's cache file
	Size int64
	Sum  [sha256.Size]byte // of the code
}

// Exit codes of a child. Others are crashes.
const (
	exitDone    = 0
	exitInvalid = 81 // the reason is on stdout
	exitMemory  = 82
	exitCPU     = 83
	exitCode    = 84 // more code than Limits.Code
	exitFailed  = 85 // the reason is on stderr
	exitOrphan  = 86
)

func writeHeader(w io.Writer, header any) error {
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	frame := binary.BigEndian.AppendUint32([]byte(protocolMagic), uint32(len(text)))
	_, err = w.Write(append(frame, text...))
	return err
}

func readHeader(r io.Reader, header any) error {
	var start [len(protocolMagic) + 4]byte
	if _, err := io.ReadFull(r, start[:]); err != nil {
		return fmt.Errorf("read frame: %w", err)
	}
	if string(start[:len(protocolMagic)]) != protocolMagic {
		return errors.New("read frame: not of this protocol")
	}
	size := binary.BigEndian.Uint32(start[len(protocolMagic):])
	if size > maxHeader {
		return fmt.Errorf("read frame: header of %d bytes", size)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return fmt.Errorf("read frame: %w", err)
	}
	return json.Unmarshal(text, header)
}

// memoryCheck is how often a child looks at its own memory.
const memoryCheck = 25 * time.Millisecond
