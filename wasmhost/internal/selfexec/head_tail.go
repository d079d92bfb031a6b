package selfexec

import "fmt"

// HeadTail keeps how a text begins and ends: a crash says first what it is, and
// last where. The zero value is ready to use. It is not safe for concurrent use.
type HeadTail struct {
	// Half is how many bytes are kept at either end. 0: 4 KiB.
	Half int

	head, tail []byte
	dropped    int
}

// Write never fails.
func (b *HeadTail) Write(p []byte) (int, error) {
	n, half := len(p), b.half()
	if free := half - len(b.head); free > 0 {
		take := min(free, len(p))
		b.head = append(b.head, p[:take]...)
		p = p[take:]
	}
	b.tail = append(b.tail, p...)
	if over := len(b.tail) - half; over > 0 {
		b.tail = append(b.tail[:0], b.tail[over:]...)
		b.dropped += over
	}
	return n, nil
}

// Head is how the text begins: at most Half bytes. It is not to be changed.
func (b *HeadTail) Head() []byte { return b.head }

// String is what was kept, with a line that says how much is missing.
func (b *HeadTail) String() string {
	if b.dropped > 0 {
		return fmt.Sprintf("%s\n(… %d bytes …)\n%s", b.head, b.dropped, b.tail)
	}
	return string(b.head) + string(b.tail)
}

func (b *HeadTail) half() int {
	if b.Half > 0 {
		return b.Half
	}
	return 4 << 10
}
