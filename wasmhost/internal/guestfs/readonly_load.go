package guestfs

import (
	"io"
	"io/fs"
)

// maxLoadedBytes bounds what a read-only tree keeps of files that it had to
// read whole.
const maxLoadedBytes = 64 << 20

// loads are the contents that open files share, by path.
type loads struct {
	files map[string]*load
	bytes int64
	most  int64
}

type load struct {
	content []byte
	users   int
}

// take returns the content of a file that nothing was read of yet.
func (l *loads) take(name string, file fs.File) (*load, error) {
	if held := l.files[name]; held != nil {
		held.users++
		return held, nil
	}
	// What the file says of its size may be wrong: count.
	room := l.most - l.bytes
	content, err := io.ReadAll(io.LimitReader(file, room+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > room {
		return nil, ENOMEM
	}
	l.bytes += int64(len(content))
	l.files[name] = &load{content: content, users: 1}
	return l.files[name], nil
}

func (l *loads) drop(name string) {
	held := l.files[name]
	if held.users--; held.users == 0 {
		l.bytes -= int64(len(held.content))
		delete(l.files, name)
	}
}
