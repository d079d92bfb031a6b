package gauntlet

import "strings"

const (
	wasiModule    = "wasi_snapshot_preview1"
	graflowModule = "graflow_v1"
)

// hostImport is a function that guests import. Params has a letter for each
// parameter, which says what it means:
//
//	p  a pointer to what the function reads or writes
//	l  the length in bytes of what the pointer before it points to
//	n  the number of elements of what the pointer before it points to
//	d  a file descriptor
//	x  another i32
//	X  an i64
//	F  an f64
type hostImport struct {
	module, name, params, results string
}

// types are the value types of the parameters.
func (f hostImport) types() string {
	return strings.NewReplacer("p", "i", "l", "i", "n", "i", "d", "i", "x", "i", "X", "I").Replace(f.params)
}

// importsByName finds an import; the two modules share no name.
var importsByName = func() map[string]hostImport {
	byName := map[string]hostImport{}
	for _, f := range append(wasiImports(), graflowImports()...) {
		byName[f.name] = f
	}
	return byName
}()

// graflowImports is the whole of graflow_v1, as package sdk/abi has it.
func graflowImports() []hostImport {
	return in(graflowModule, [][3]string{
		{"input_len", "", "i"},
		{"input_read", "pl", "i"},
		{"output_write", "pl", "i"},
		{"fail", "plplX", ""},
		{"log", "xpl", ""},
		{"progress", "FFpl", ""},
		{"meta", "", "I"},
		{"result_get", "pl", "I"},
		{"channel_get", "pl", "I"},
		{"channel_set", "plpl", "i"},
		{"channel_delete", "pl", "i"},
		{"channel_append", "plpl", "i"},
		{"channel_prepend", "plpl", "i"},
		{"channel_add", "plpl", "i"},
		{"channel_keys", "pl", "I"},
		{"next_task", "pl", "i"},
		{"next_iteration", "pl", "i"},
		{"terminate", "pl", "i"},
		{"cancel", "pl", "i"},
		{"pause", "pl", "I"},
		{"checkpoint", "pl", "i"},
		{"checkpoint_as", "plpl", "i"},
		{"secret_get", "pl", "I"},
		{"http_request", "pl", "I"},
		{"tool_call", "plpl", "I"},
		{"tool_calls", "pl", "I"},
		{"reply_read", "pl", "i"},
	})
}

// wasiImports is the whole of WASI preview 1.
func wasiImports() []hostImport {
	return in(wasiModule, [][3]string{
		{"args_get", "pp", "i"},
		{"args_sizes_get", "pp", "i"},
		{"environ_get", "pp", "i"},
		{"environ_sizes_get", "pp", "i"},
		{"clock_res_get", "xp", "i"},
		{"clock_time_get", "xXp", "i"},
		{"fd_advise", "dXXx", "i"},
		{"fd_allocate", "dXX", "i"},
		{"fd_close", "d", "i"},
		{"fd_datasync", "d", "i"},
		{"fd_fdstat_get", "dp", "i"},
		{"fd_fdstat_set_flags", "dx", "i"},
		{"fd_fdstat_set_rights", "dXX", "i"},
		{"fd_filestat_get", "dp", "i"},
		{"fd_filestat_set_size", "dX", "i"},
		{"fd_filestat_set_times", "dXXx", "i"},
		{"fd_pread", "dpnXp", "i"},
		{"fd_prestat_get", "dp", "i"},
		{"fd_prestat_dir_name", "dpl", "i"},
		{"fd_pwrite", "dpnXp", "i"},
		{"fd_read", "dpnp", "i"},
		{"fd_readdir", "dplXp", "i"},
		{"fd_renumber", "dd", "i"},
		{"fd_seek", "dXxp", "i"},
		{"fd_sync", "d", "i"},
		{"fd_tell", "dp", "i"},
		{"fd_write", "dpnp", "i"},
		{"path_create_directory", "dpl", "i"},
		{"path_filestat_get", "dxplp", "i"},
		{"path_filestat_set_times", "dxplXXx", "i"},
		{"path_link", "dxpldpl", "i"},
		{"path_open", "dxplxXXxp", "i"},
		{"path_readlink", "dplplp", "i"},
		{"path_remove_directory", "dpl", "i"},
		{"path_rename", "dpldpl", "i"},
		{"path_symlink", "pldpl", "i"},
		{"path_unlink_file", "dpl", "i"},
		{"poll_oneoff", "ppnp", "i"},
		{"proc_exit", "x", ""},
		{"proc_raise", "x", "i"},
		{"random_get", "pl", "i"},
		{"sched_yield", "", "i"},
		{"sock_accept", "dxp", "i"},
		{"sock_recv", "dpnxpp", "i"},
		{"sock_send", "dpnxp", "i"},
		{"sock_shutdown", "dx", "i"},
	})
}

func in(module string, table [][3]string) []hostImport {
	out := make([]hostImport, len(table))
	for i, row := range table {
		out[i] = hostImport{module: module, name: row[0], params: row[1], results: row[2]}
	}
	return out
}
