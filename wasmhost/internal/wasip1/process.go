package wasip1

import (
	"context"
	"fmt"
	"runtime"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
)

// Exit is the panic by which proc_exit ends a guest. The host recovers it; as an
// error it can be found with errors.As in what wazero makes of the panic.
type Exit struct {
	Code uint32 // 0 is success
}

func (e Exit) Error() string { return fmt.Sprintf("exit code %d", e.Code) }

// Interrupted is the panic that ends a guest whose context ended while it waited
// or drew much randomness. context.Cause tells why. It is an error as Exit is.
type Interrupted struct{}

func (Interrupted) Error() string { return "interrupted while waiting" }

func checkInterrupt(ctx context.Context) {
	if ctx.Err() != nil {
		panic(Interrupted{})
	}
}

func (s *State) procExit(_ context.Context, g guest) guestfs.Errno {
	panic(Exit{Code: g.u32(0)})
}

// procRaise: there are no signals; wasi-libc raises them by itself.
func (s *State) procRaise(context.Context, guest) guestfs.Errno { return guestfs.ENOSYS }

func (s *State) schedYield(ctx context.Context, _ guest) guestfs.Errno {
	checkInterrupt(ctx)
	runtime.Gosched()
	return guestfs.OK
}

// sock is all functions of sockets: no descriptor is one.
func (s *State) sock(_ context.Context, g guest) guestfs.Errno {
	if _, errno := s.descriptor(g.u32(0), 0); errno != guestfs.OK {
		return errno
	}
	return guestfs.ENOTSOCK
}
