package artifact

import "fmt"

// headTail keeps how a text begins and ends: a crash says first what it is, and
// last where. The zero value is ready to use.
type headTail struct {
	head, tail []byte
	dropped    int
}

// half is how much is kept at either end.
const half = 4 << 10

// Write never fails.
func (b *headTail) Write(p []byte) (int, error) {
	n := len(p)
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

func (b *headTail) String() string {
	if b.dropped > 0 {
		return fmt.Sprintf("%s\n(… %d bytes …)\n%s", b.head, b.dropped, b.tail)
	}
	return string(b.head) + string(b.tail)
}
