package wasip1

import (
	"context"
	"slices"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/tetratelabs/wazero/api"
)

// ModuleName is the name that guests import from.
const ModuleName = "wasi_snapshot_preview1"

// Function is one function of preview 1.
type Function struct {
	Name    string
	Params  []api.ValueType
	Results []api.ValueType // one i32, the error number; none for proc_exit
	// Run executes the function. memory is the guest's whole linear memory, nil
	// if it has none; args are the raw arguments, one for each of Params. A
	// pointer out of memory is EFAULT. It panics with Exit or Interrupted, or as
	// one of the writers or trees of the Config does, and never otherwise.
	Run func(ctx context.Context, s *State, memory []byte, args []uint64) guestfs.Errno
}

// Functions returns all functions of preview 1.
func Functions() []Function { return slices.Clone(functions) }

// functionCount is the number of functions in preview 1.
const functionCount = 46

// entry is a line of the table: params has an i for an i32 and an l for an i64.
type entry struct {
	name   string
	params string
	run    func(s *State, ctx context.Context, g guest) guestfs.Errno
}

var table = [functionCount]entry{
	{"args_get", "ii", (*State).argsGet},
	{"args_sizes_get", "ii", (*State).argsSizesGet},
	{"environ_get", "ii", (*State).environGet},
	{"environ_sizes_get", "ii", (*State).environSizesGet},
	{"clock_res_get", "ii", (*State).clockResGet},
	{"clock_time_get", "ili", (*State).clockTimeGet},
	{"fd_advise", "illi", (*State).fdAdvise},
	{"fd_allocate", "ill", (*State).fdAllocate},
	{"fd_close", "i", (*State).fdClose},
	{"fd_datasync", "i", (*State).fdDatasync},
	{"fd_fdstat_get", "ii", (*State).fdFdstatGet},
	{"fd_fdstat_set_flags", "ii", (*State).fdFdstatSetFlags},
	{"fd_fdstat_set_rights", "ill", (*State).fdFdstatSetRights},
	{"fd_filestat_get", "ii", (*State).fdFilestatGet},
	{"fd_filestat_set_size", "il", (*State).fdFilestatSetSize},
	{"fd_filestat_set_times", "illi", (*State).fdFilestatSetTimes},
	{"fd_pread", "iiili", (*State).fdPread},
	{"fd_prestat_dir_name", "iii", (*State).fdPrestatDirName},
	{"fd_prestat_get", "ii", (*State).fdPrestatGet},
	{"fd_pwrite", "iiili", (*State).fdPwrite},
	{"fd_read", "iiii", (*State).fdRead},
	{"fd_readdir", "iiili", (*State).fdReaddir},
	{"fd_renumber", "ii", (*State).fdRenumber},
	{"fd_seek", "ilii", (*State).fdSeek},
	{"fd_sync", "i", (*State).fdSync},
	{"fd_tell", "ii", (*State).fdTell},
	{"fd_write", "iiii", (*State).fdWrite},
	{"path_create_directory", "iii", (*State).pathCreateDirectory},
	{"path_filestat_get", "iiiii", (*State).pathFilestatGet},
	{"path_filestat_set_times", "iiiilli", (*State).pathFilestatSetTimes},
	{"path_link", "iiiiiii", (*State).pathLink},
	{"path_open", "iiiiillii", (*State).pathOpen},
	{"path_readlink", "iiiiii", (*State).pathReadlink},
	{"path_remove_directory", "iii", (*State).pathRemoveDirectory},
	{"path_rename", "iiiiii", (*State).pathRename},
	{"path_symlink", "iiiii", (*State).pathSymlink},
	{"path_unlink_file", "iii", (*State).pathUnlinkFile},
	{"poll_oneoff", "iiii", (*State).pollOneoff},
	{"proc_exit", "i", (*State).procExit},
	{"proc_raise", "i", (*State).procRaise},
	{"random_get", "ii", (*State).randomGet},
	{"sched_yield", "", (*State).schedYield},
	{"sock_accept", "iii", (*State).sock},
	{"sock_recv", "iiiiii", (*State).sock},
	{"sock_send", "iiiii", (*State).sock},
	{"sock_shutdown", "ii", (*State).sock},
}

var functions = func() []Function {
	all := make([]Function, len(table))
	for i, e := range table {
		all[i] = Function{
			Name:   e.name,
			Params: valueTypes(e.params),
			Run:    counted(i, e.run),
		}
		if e.name != "proc_exit" {
			all[i].Results = []api.ValueType{api.ValueTypeI32}
		}
	}
	return all
}()

func counted(
	i int, run func(*State, context.Context, guest) guestfs.Errno,
) func(context.Context, *State, []byte, []uint64) guestfs.Errno {
	return func(ctx context.Context, s *State, memory []byte, args []uint64) guestfs.Errno {
		s.calls[i]++
		return run(s, ctx, guest{memory: memory, args: args})
	}
}

func valueTypes(params string) []api.ValueType {
	types := make([]api.ValueType, len(params))
	for i, c := range params {
		types[i] = api.ValueTypeI32
		if c == 'l' {
			types[i] = api.ValueTypeI64
		}
	}
	return types
}
