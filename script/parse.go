package script

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// parse reads a document as nil, bool, json.Number, string, []any and map[string]any.
func parse(document json.RawMessage) (any, error) {
	if len(document) == 0 {
		return nil, nil
	}
	if !utf8.Valid(document) {
		return nil, errors.New("the document is not UTF-8")
	}
	if tree, ok := scan(document); ok {
		return tree, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more follows the document")
	}
	return tree, nil
}

// maxScanDepth is how deep a scanner goes; the decoder takes what is deeper.
const maxScanDepth = 64

// scanner reads what most documents are, several times as fast as encoding/json does. It
// gives up where it is not sure, and leaves that, and all errors, to encoding/json.
type scanner struct {
	data []byte // UTF-8
	at   int
}

// scan is the tree of a document; false if encoding/json has to read it.
func scan(document []byte) (any, bool) {
	s := scanner{data: document}
	tree, ok := s.value(0)
	s.blanks()
	return tree, ok && s.at == len(s.data)
}

func (s *scanner) blanks() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\n', '\t', '\r':
			s.at++
		default:
			return
		}
	}
}

// next skips blanks, and is the byte behind them; 0 at the end.
func (s *scanner) next() byte {
	s.blanks()
	if s.at == len(s.data) {
		return 0
	}
	return s.data[s.at]
}

// take goes past a byte if it is the next one.
func (s *scanner) take(c byte) bool {
	if s.next() != c {
		return false
	}
	s.at++
	return true
}

func (s *scanner) value(depth int) (any, bool) {
	switch c := s.next(); {
	case depth > maxScanDepth:
		return nil, false
	case c == '"':
		return s.text()
	case c == '{':
		return s.object(depth)
	case c == '[':
		return s.list(depth)
	case c == 'n':
		return nil, s.word("null")
	case c == 't':
		return true, s.word("true")
	case c == 'f':
		return false, s.word("false")
	}
	return s.number()
}

func (s *scanner) word(word string) bool {
	if !bytes.HasPrefix(s.data[s.at:], []byte(word)) {
		return false
	}
	s.at += len(word)
	return true
}

// text reads a string without escapes; with some it is encoding/json's.
func (s *scanner) text() (string, bool) {
	start := s.at + 1
	for i := start; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.at = i + 1
			return string(s.data[start:i]), true
		case c == '\\':
			return s.escaped(i)
		case c < ' ':
			return "", false
		}
	}
	return "", false
}

// escaped reads a string with an escape at i.
func (s *scanner) escaped(i int) (string, bool) {
	start := s.at
	for ; i < len(s.data); i++ {
		switch s.data[i] {
		case '\\':
			i++
		case '"':
			s.at = i + 1
			var text string
			err := json.Unmarshal(s.data[start:s.at], &text)
			return text, err == nil
		}
	}
	return "", false
}

// digits goes past some, and tells that there was one.
func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.data) && s.data[s.at] >= '0' && s.data[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}

// has goes past one of two bytes if it is here.
func (s *scanner) has(one, other byte) bool {
	if s.at == len(s.data) || s.data[s.at] != one && s.data[s.at] != other {
		return false
	}
	s.at++
	return true
}

func (s *scanner) number() (any, bool) {
	start := s.at
	s.has('-', '-')
	if !s.has('0', '0') && !s.digits() {
		return nil, false
	}
	if s.has('.', '.') && !s.digits() {
		return nil, false
	}
	if s.has('e', 'E') {
		s.has('+', '-')
		if !s.digits() {
			return nil, false
		}
	}
	return json.Number(s.data[start:s.at]), true
}

func (s *scanner) list(depth int) (any, bool) {
	s.at++
	items := []any{}
	if s.take(']') {
		return items, true
	}
	for {
		item, ok := s.value(depth + 1)
		if !ok {
			return nil, false
		}
		items = append(items, item)
		if !s.take(',') {
			return items, s.take(']')
		}
	}
}

func (s *scanner) object(depth int) (any, bool) {
	s.at++
	members := map[string]any{}
	if s.take('}') {
		return members, true
	}
	for s.next() == '"' {
		key, ok := s.text()
		if !ok || !s.take(':') {
			return nil, false
		}
		if members[key], ok = s.value(depth + 1); !ok {
			return nil, false
		}
		if !s.take(',') {
			return members, s.take('}')
		}
	}
	return nil, false
}
