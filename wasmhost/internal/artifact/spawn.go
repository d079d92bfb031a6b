package artifact

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/selfexec"
)

// compileInChild has a child compile wasm, with dir for its files, and writes
// the code to code. It returns the name that wazero gives it. The child is gone
// when it returns.
func compileInChild(ctx context.Context, code io.Writer, dir string, wasm []byte, o Options, l Limits, workers int) (string, error) {
	exe, err := selfexec.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	timed, cancel := context.WithTimeout(ctx, l.Wall)
	defer cancel()
	// The kernel kills the child when the thread that started it ends, so this
	// thread must not end before.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(timed, exe)
	cmd.Env = []string{
		selfexec.Variable + "=" + childCompile,
		"GOMAXPROCS=" + strconv.Itoa(workers),
		"GORACE=atexit_sleep_ms=0", // a race build would sleep for a second
	}
	cmd.WaitDelay = 5 * time.Second
	selfexec.Prepare(cmd)
	run := childRun{cmd: cmd}
	cmd.Stderr = &run.stderr
	request := request{Dir: dir, Limits: l, Options: o, Workers: workers, Size: int64(len(wasm))}
	name, err := run.converse(request, wasm, code)
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("compile: %w", context.Cause(ctx))
	case err != nil && timed.Err() != nil:
		return "", l.exceeded(LimitWall)
	case err != nil:
		return "", run.diagnose(err, l)
	}
	return name, nil
}

// childRun is one child and what it said.
type childRun struct {
	cmd    *exec.Cmd
	stderr selfexec.HeadTail
	reason []byte // of exitInvalid
}

// converse starts the child, sends the request and receives the code. An error
// of Wait wins over those of the pipes, which only follow from it.
func (r *childRun) converse(req request, wasm []byte, code io.Writer) (string, error) {
	in, err := r.cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := r.cmd.Start(); err != nil {
		return "", fmt.Errorf("start compile child: %w", err)
	}
	// The child reads all of the request before it answers.
	sent := writeHeader(in, req)
	if sent == nil {
		_, sent = in.Write(wasm)
	}
	name, received := r.receive(out, code, req.Limits.Code)
	if received != nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(out, 1<<20))
		in.Close()
	}
	if err := r.cmd.Wait(); err != nil {
		return "", err
	}
	return name, errors.Join(sent, received)
}

// receive reads the answer, which must be all there is.
func (r *childRun) receive(out io.Reader, code io.Writer, most int64) (string, error) {
	var seen selfexec.HeadTail
	var a answer
	if err := readHeader(io.TeeReader(out, &seen), &a); err != nil {
		rest, _ := io.ReadAll(io.LimitReader(out, 4<<10))
		r.reason = append(seen.Head(), rest...)
		return "", err
	}
	if a.Size < 0 || a.Size > most || !isName(a.Name) {
		return "", errors.New("compile child answered nonsense")
	}
	sum := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(code, sum), out, a.Size); err != nil {
		return "", fmt.Errorf("receive code: %w", err)
	}
	return a.Name, checkSum(sum, a.Sum)
}

func checkSum(got hash.Hash, want [sha256.Size]byte) error {
	if [sha256.Size]byte(got.Sum(nil)) != want {
		return errors.New("receive code: its checksum is wrong")
	}
	return nil
}

// isName says whether s is what wazero names its files: 32 bytes in hex.
func isName(s string) bool {
	return len(s) == nameLength && strings.Trim(s, "0123456789abcdef") == ""
}

// diagnose tells why the child failed.
func (r *childRun) diagnose(err error, l Limits) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	used := exit.UserTime() + exit.SystemTime()
	switch code := exit.ExitCode(); {
	case code == exitInvalid:
		return &InvalidError{Reason: string(r.reason)}
	case code == exitMemory || r.outOfMemory():
		return l.exceeded(LimitMemory)
	case code == exitCPU || code == -1 && used >= l.CPU && used >= time.Duration(l.cpuSeconds())*time.Second:
		return l.exceeded(LimitCPU)
	case code == exitCode:
		return l.exceeded(LimitCode)
	case code == exitFailed:
		return fmt.Errorf("compile child: %s", strings.TrimSpace(r.stderr.String()))
	}
	return &CrashError{Status: exit.Error(), Output: strings.TrimSpace(r.stderr.String())}
}

// outOfMemory knows the words of Go's runtime when the kernel gives no more; the
// last are those of a race build.
func (r *childRun) outOfMemory() bool {
	said := string(r.stderr.Head())
	return strings.Contains(said, "out of memory") ||
		strings.Contains(said, "cannot allocate memory") ||
		strings.Contains(said, "too many address space collisions") ||
		strings.Contains(said, "ThreadSanitizer failed to allocate")
}
