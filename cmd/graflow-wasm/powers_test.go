package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// wasiFunctions is all of WASI preview 1.
const wasiFunctions = `args_get args_sizes_get environ_get environ_sizes_get clock_res_get clock_time_get
fd_advise fd_allocate fd_close fd_datasync fd_fdstat_get fd_fdstat_set_flags fd_fdstat_set_rights fd_filestat_get
fd_filestat_set_size fd_filestat_set_times fd_pread fd_prestat_dir_name fd_prestat_get fd_pwrite fd_read fd_readdir
fd_renumber fd_seek fd_sync fd_tell fd_write path_create_directory path_filestat_get path_filestat_set_times path_link
path_open path_readlink path_remove_directory path_rename path_symlink path_unlink_file poll_oneoff proc_exit
proc_raise random_get sched_yield sock_accept sock_recv sock_send sock_shutdown`

// TestPowersOfWASI wants each function to be told in words, and no other.
func TestPowersOfWASI(t *testing.T) {
	t.Parallel()
	all := strings.Fields(wasiFunctions)
	var told []string
	for _, p := range wasiPowers {
		told = append(told, p.imports...)
	}
	slices.Sort(told)
	slices.Sort(all)
	if !slices.Equal(told, all) {
		t.Errorf("got  %q\nwant %q", told, all)
	}
}

func TestPowersOfCapabilities(t *testing.T) {
	t.Parallel()
	for _, c := range []string{
		wasmhost.CapabilityIO, wasmhost.CapabilityLog, wasmhost.CapabilityMeta, wasmhost.CapabilityResults, wasmhost.CapabilityChannel,
		wasmhost.CapabilityControl, wasmhost.CapabilitySecrets, wasmhost.CapabilityHTTP, wasmhost.CapabilityTools, wasmhost.CapabilityConfig,
	} {
		if p := powerOf(wasmhost.Import{Capability: c}); p.when == whenUnknown || !slices.Contains(whens, p.when) || p.what == "" {
			t.Errorf("%s: got %+v", c, p)
		}
	}
}

func TestPowerLines(t *testing.T) {
	t.Parallel()
	wasi := func(name string) wasmhost.Import {
		return wasmhost.Import{Module: "wasi_snapshot_preview1", Name: name, Capability: wasmhost.CapabilityWASI}
	}
	got := powerLines([]wasmhost.Import{
		wasi("sock_send"),
		{Module: "graflow_v1", Name: "http_request", Capability: wasmhost.CapabilityHTTP},
		{Module: "graflow_v1", Name: "channel_get", Capability: wasmhost.CapabilityChannel},
		wasi("path_open"),
		wasi("clock_time_get"),
		{Module: "graflow_v1", Name: "channel_set", Capability: wasmhost.CapabilityChannel},
		wasi("fd_magic\x1b[2J"),
		wasi("path_open"),
	})
	want := []string{
		"by itself it",
		"  - reads the clock and waits; grants: {clock: virtual} makes it the same in every run",
		"      clock_time_get",
		"unless its task denies it, it",
		"  - reads and changes the state that the tasks of a run share; grants: {channel: false} denies it",
		"      channel_get, channel_set",
		"only where its task grants it, it",
		"  - sends HTTP requests, to hosts that are named; needs grants: {http: [HOST]}",
		"      http_request",
		"  - opens, reads and lists files, in directories that are named; needs grants: {mounts: [{host: DIR, guest: /data}]}",
		"      path_open",
		"it asks for what no guest gets: these calls fail",
		"  - network sockets",
		"      sock_send",
		"this command has no words for",
		"  - wasi",
		`      fd_magic\x1b[2J`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := powerLines(nil); len(got) != 1 || !strings.Contains(got[0], "nothing but compute") {
		t.Errorf("got %q", got)
	}
}
