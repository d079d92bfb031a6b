package cell

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/selfexec"
	"golang.org/x/sys/unix"
)

// starter is one thread that starts all processes: the kernel kills a cell when
// the thread that started it ends, so that must not end before.
type starter struct {
	asked chan startRequest
	ended chan struct{}
}

type startRequest struct {
	cmd  *exec.Cmd
	done chan error
}

func newStarter() starter {
	s := starter{asked: make(chan startRequest), ended: make(chan struct{})}
	go s.run()
	return s
}

func (s starter) run() {
	runtime.LockOSThread() // and never unlock: the thread ends with this goroutine
	defer close(s.ended)
	for r := range s.asked {
		r.done <- r.cmd.Start()
	}
}

func (s starter) start(cmd *exec.Cmd) error {
	r := startRequest{cmd, make(chan error, 1)}
	s.asked <- r
	return <-r.done
}

func (s starter) stop() {
	close(s.asked)
	<-s.ended
}

// start starts a cell in the room that the caller has, and frees that if it fails.
func (p *Pool) start(ctx context.Context, want Want) (*Cell, error) {
	for {
		w, proven, why := p.choice.now()
		c, err := p.startIn(ctx, w, why, want)
		if err == nil {
			p.choice.works(w)
			return c, nil
		}
		if proven || ctx.Err() != nil || !p.choice.giveUp(w, err, p.config.Logger) {
			p.free()
			return nil, err
		}
	}
}

func (p *Pool) startIn(ctx context.Context, w way, why []string, want Want) (*Cell, error) {
	c, err := p.spawnAndGreet(ctx, w, why, want)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c.served = true
	p.stats.Started++
	return c, nil
}

func (p *Pool) spawnAndGreet(ctx context.Context, w way, why []string, want Want) (*Cell, error) {
	c, err := p.spawn(w, want)
	if err != nil {
		return nil, err
	}
	timed, cancel := context.WithTimeoutCause(ctx, p.config.Start, fmt.Errorf("it did not serve within %s", p.config.Start))
	defer cancel()
	stop := context.AfterFunc(timed, func() { c.kill(context.Cause(timed).Error()) })
	defer stop()
	if err := c.greet(p.settings(w, why, c)); err != nil {
		return nil, c.stillborn(timed, err)
	}
	return c, nil
}

func (p *Pool) settings(w way, why []string, c *Cell) settings {
	return settings{
		Memory: p.config.Memory, Space: p.config.Space, Scratch: p.config.Scratch,
		Heartbeat: p.config.Heartbeat, MaxFrame: p.config.MaxFrame,
		Flags: w.flags, Why: why, Own: w.own, Root: os.Geteuid() == 0, Self: c.want.Self, Lender: c.want.lender, Dir: c.scratch.dir,
	}
}

// greet tells a new process what it is, and waits until its walls stand.
func (c *Cell) greet(s settings) error {
	hello, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := c.send(kindHello, hello, nil, nil); err != nil {
		return err
	}
	ready, err := c.receive()
	if err != nil {
		return err
	}
	if ready.Kind != kindReady || json.Unmarshal(ready.Header, &c.walls) != nil {
		return fmt.Errorf("%w: it does not say that it is ready", ErrFrame)
	}
	return nil
}

// stillborn ends a process that never served.
func (c *Cell) stillborn(ctx context.Context, err error) error {
	d := c.Lost()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d.ExitCode == exitWalls {
		return &wallsError{strings.TrimSpace(d.Stderr)}
	}
	if said := strings.TrimSpace(d.Stderr); said != "" {
		return fmt.Errorf("%s: %s", d, said)
	}
	return fmt.Errorf("%s: %w", d, err)
}

// spawn starts a process.
func (p *Pool) spawn(w way, want Want) (*Cell, error) {
	exe, err := selfexec.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	pipes, err := openPipes()
	if err != nil {
		return nil, err
	}
	defer pipes.closeChild()
	if want.lender {
		pipes.parent.trust = &inbox{}
	}
	cmd := exec.Command(exe)
	cmd.Args = []string{"graflow-wasm cell"}
	cmd.Env = []string{
		selfexec.Variable + "=" + childRole,
		"GOMAXPROCS=2",             // one for the guest, one for all else
		"GORACE=atexit_sleep_ms=0", // a race build would sleep for a second
	}
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = pipes.beat[1], pipes.said[1], []*os.File{pipes.child}
	selfexec.Prepare(cmd)
	w.attributes(cmd.SysProcAttr, want.Self)
	var room scratch
	if w.flags&unix.CLONE_NEWNS == 0 {
		if room, err = makeScratch(); err != nil {
			pipes.closeParent()
			return nil, fmt.Errorf("make scratch directory: %w", err)
		}
	}
	if err := p.starter.start(cmd); err != nil {
		pipes.closeParent()
		room.remove()
		return nil, err
	}
	c := &Cell{
		Conn: newConn(pipes.parent, p.config.MaxFrame), pool: p, want: want, end: pipes.parent, scratch: room,
		process: cmd.Process, started: time.Now(), beats: pipes.beat[0], said: pipes.said[0],
		dead: make(chan struct{}),
	}
	p.adopt(c)
	return c, nil
}

// adopt begins to look after a process.
func (p *Pool) adopt(c *Cell) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cells[c] = struct{}{}
	p.active.Add(3) // the caller of Get holds one, so Close still waits
	told := make(chan string, 1)
	go c.listen(told)
	go c.watch(p.config.Start+p.config.silence(), p.config.Heartbeat, p.config.silence())
	go c.reap(told)
	if p.closed {
		c.kill(ErrClosed.Error())
	}
}

// pipes are a cell's descriptors, both ends.
type pipes struct {
	parent     *parentEnd
	child      *os.File
	beat, said [2]*os.File // read and write ends
}

func openPipes() (p *pipes, err error) {
	p = &pipes{}
	if p.parent, p.child, err = socketPair(); err != nil {
		p.closeChild()
		return nil, fmt.Errorf("connect: %w", err)
	}
	for _, pipe := range []*[2]*os.File{&p.beat, &p.said} {
		if pipe[0], pipe[1], err = os.Pipe(); err != nil {
			p.closeParent()
			p.closeChild()
			return nil, err
		}
	}
	return p, nil
}

func (p *pipes) closeParent() {
	if p.parent != nil {
		p.parent.close()
	}
	closeFiles(p.beat[0], p.said[0])
}

func (p *pipes) closeChild() { closeFiles(p.child, p.beat[1], p.said[1]) }

func closeFiles(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close() // nothing is lost with it
		}
	}
}
