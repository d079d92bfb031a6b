package main

import (
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// power is what some imports let a guest do, in words to decide by.
type power struct {
	when    string // one of whens
	what    string
	grant   string // what gives it, or takes it away; "" for neither
	imports []string
}

// Whens say when a guest has a power, in the order in which they are shown.
const (
	whenAlways  = "by itself it"
	whenDenied  = "unless its task denies it, it"
	whenGranted = "only where its task grants it, it"
	whenNever   = "it asks for what no guest gets: these calls fail"
	whenUnknown = "this command has no words for"
)

var whens = []string{whenAlways, whenDenied, whenGranted, whenNever, whenUnknown}

// powers are those of graflow_v1 and of Extism's kernel, by capability.
var powers = map[string]power{
	wasmhost.CapabilityIO:      {whenAlways, "reads its task's input, and answers or fails", "", nil},
	wasmhost.CapabilityLog:     {whenAlways, "writes to the log and reports progress; limits: {log_bytes} bounds it", "", nil},
	wasmhost.CapabilityMeta:    {whenAlways, "learns the ids of its run and task, and which attempt it is", "", nil},
	wasmhost.CapabilityResults: {whenAlways, "reads the results of other tasks of the same run", "", nil},
	wasmhost.CapabilityChannel: {whenDenied, "reads and changes the state that the tasks of a run share", "channel: false", nil},
	wasmhost.CapabilityControl: {whenDenied, "decides what the run does next: starts further tasks of its module (others need spawn), goes to tasks of the flow, iterates, ends or cancels the run", "control: false", nil},
	wasmhost.CapabilitySecrets: {whenGranted, "reads secrets, those that are named", "secrets: [NAME]", nil},
	wasmhost.CapabilityHTTP:    {whenGranted, "sends HTTP requests, to hosts that are named", "http: [HOST]", nil},
	wasmhost.CapabilityTools:   {whenGranted, "calls tools of the program that runs it, those that are named", "tools: [NAME]", nil},
	wasmhost.CapabilityConfig:  {whenGranted, "reads its configuration; what it stores in variables lasts one call", "config: {KEY: VALUE}", nil},
}

// wasiPowers are those of WASI preview 1, and the functions that are each.
var wasiPowers = []power{
	{whenAlways, "reads stdin, writes stdout and stderr, and works on what it has open", "", []string{
		"fd_read", "fd_write", "fd_close", "fd_seek", "fd_tell", "fd_renumber", "fd_fdstat_get", "fd_fdstat_set_flags", "fd_fdstat_set_rights",
	}},
	{whenAlways, "sees one argument, the module's name", "", []string{"args_get", "args_sizes_get"}},
	{whenAlways, "reads the clock and waits", "clock: virtual", []string{"clock_res_get", "clock_time_get", "poll_oneoff"}},
	{whenAlways, "gets random bytes", "random: seeded", []string{"random_get"}},
	{whenAlways, "learns which directories it was granted", "", []string{"fd_prestat_get", "fd_prestat_dir_name"}},
	{whenAlways, "ends or pauses itself", "", []string{"proc_exit", "sched_yield"}},
	{whenGranted, "sees environment variables, those that are given; none of the machine's", "env: {NAME: VALUE}", []string{"environ_get", "environ_sizes_get"}},
	{whenGranted, "opens, reads and lists files, in directories that are named", "mounts: [{host: DIR, guest: /data}]", []string{
		"path_open", "path_filestat_get", "path_readlink", "fd_readdir", "fd_pread", "fd_advise", "fd_filestat_get",
	}},
	{whenGranted, "writes, renames and deletes files, in directories that are writable", "mounts: [{host: DIR, guest: /data, writable: true}]", []string{
		"path_create_directory", "path_remove_directory", "path_rename", "path_unlink_file", "path_filestat_set_times", "fd_pwrite", "fd_allocate",
		"fd_filestat_set_size", "fd_filestat_set_times", "fd_sync", "fd_datasync",
	}},
	{whenNever, "network sockets", "", []string{"sock_accept", "sock_recv", "sock_send", "sock_shutdown"}},
	{whenNever, "links in the file system", "", []string{"path_link", "path_symlink"}},
	{whenNever, "signals", "", []string{"proc_raise"}},
}

// powerOf is what an import is for.
func powerOf(i wasmhost.Import) power {
	if i.Capability != wasmhost.CapabilityWASI {
		if p, ok := powers[i.Capability]; ok {
			return p
		}
		return power{when: whenUnknown, what: i.Capability}
	}
	for _, p := range wasiPowers {
		if slices.Contains(p.imports, i.Name) {
			p.imports = nil
			return p
		}
	}
	return power{when: whenUnknown, what: i.Capability}
}

// powersOf groups imports by what they are for, in the order of whens.
func powersOf(imports []wasmhost.Import) []power {
	var all []power
	for _, i := range imports {
		p := powerOf(i)
		at := slices.IndexFunc(all, func(o power) bool { return o.when == p.when && o.what == p.what })
		if at < 0 {
			at, all = len(all), append(all, p)
		}
		if name := printable(i.Name); !slices.Contains(all[at].imports, name) {
			all[at].imports = append(all[at].imports, name)
		}
	}
	slices.SortStableFunc(all, func(a, b power) int {
		return slices.Index(whens, a.when) - slices.Index(whens, b.when)
	})
	return all
}

// sentence says what the power is and how its task gives or takes it.
func (p power) sentence() string {
	switch {
	case p.grant == "":
		return p.what
	case p.when == whenGranted:
		return p.what + "; needs grants: {" + p.grant + "}"
	case p.when == whenDenied:
		return p.what + "; grants: {" + p.grant + "} denies it"
	}
	return p.what + "; grants: {" + p.grant + "} makes it the same in every run"
}

// powerLines are the powers of a module as shown.
func powerLines(imports []wasmhost.Import) []string {
	all := powersOf(imports)
	if len(all) == 0 {
		return []string{"nothing but compute: it imports no function"}
	}
	var lines []string
	when := ""
	for _, p := range all {
		if p.when != when {
			when = p.when
			lines = append(lines, when)
		}
		lines = append(lines, "  - "+p.sentence(), "      "+strings.Join(p.imports, ", "))
	}
	return lines
}
