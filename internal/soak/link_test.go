package soak

import (
	"io"
	"net"
	"testing"
	"time"
)

// echo is a server that says what it hears.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-over })
	go func() {
		defer close(over)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// say writes a word, and reads it back within a time.
func say(c net.Conn, within time.Duration) error {
	if _, err := c.Write([]byte("word")); err != nil {
		return err
	}
	_ = c.SetReadDeadline(time.Now().Add(within))
	_, err := io.ReadFull(c, make([]byte, 4))
	return err
}

// TestLink cuts a link, has it fall silent, be slow, and mends it.
func TestLink(t *testing.T) {
	t.Parallel()
	const long, short = time.Minute, 100 * time.Millisecond
	k, err := newLink(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.close)
	join := func() net.Conn {
		c, err := net.Dial("tcp", k.address())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	c := join()
	if err := say(c, long); err != nil {
		t.Fatalf("a whole link: %v", err)
	}
	k.sever()
	if err := say(c, long); err == nil {
		t.Error("a word passed a link that is cut")
	}
	if err := say(join(), long); err == nil {
		t.Error("a word passed a new connection of a link that is cut")
	}
	k.mend()
	c = join()
	if err := say(c, long); err != nil {
		t.Errorf("a link that was mended: %v", err)
	}
	k.hush()
	if err := say(c, short); err == nil {
		t.Error("a word passed a silent link")
	}
	k.mend()
	_ = c.SetReadDeadline(time.Now().Add(long))
	if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
		t.Errorf("what a silent link kept back does not come: %v", err)
	}
	k.slow(short)
	began := time.Now()
	if err := say(c, long); err != nil || time.Since(began) < 2*short {
		t.Errorf("a slow link: %v after %s, want at least %s", err, time.Since(began), 2*short)
	}
}
