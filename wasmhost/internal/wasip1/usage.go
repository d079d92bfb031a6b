package wasip1

import "iter"

// Calls tells how often each function was called, without those that were not.
func (s *State) Calls() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for i, n := range s.calls {
			if n > 0 && !yield(table[i].name, n) {
				return
			}
		}
	}
}

// BytesRead is how much the guest has read from stdin and files.
func (s *State) BytesRead() int64 { return s.readBytes }

// BytesWritten is how much the guest has written to its outputs and files.
func (s *State) BytesWritten() int64 { return s.writtenBytes }

// OpenCount is how many files and directories the guest has open, without the
// standard streams and the preopens.
func (s *State) OpenCount() int { return s.opened }

// Mark remembers the descriptors as they are; New does so too.
func (s *State) Mark() {
	for i := range s.descriptors {
		s.descriptors[i].young = false
	}
	s.young = 0
	s.changed = false
}

// Touched reports whether the descriptors differ from those at Mark: one was
// opened and is still open, or one from then was closed, renumbered, moved in
// (stdin too), or given other flags or rights. What was opened and closed again
// makes no difference.
func (s *State) Touched() bool { return s.changed || s.young > 0 }

// Environment tells which facts about its attempt a guest has asked for. What
// it learned during initialization, a snapshot repeats for every attempt.
type Environment struct {
	Args     bool
	Environ  bool
	Preopens bool // their names
	Files    bool // what is in a preopen
	Stdin    bool // be it that it was empty
	Clock    bool
	Random   bool
}

// ReadEnvironment tells what the guest has asked for since New.
func (s *State) ReadEnvironment() Environment {
	var e Environment
	for name := range s.Calls() {
		switch name {
		case "args_get", "args_sizes_get":
			e.Args = true
		case "environ_get", "environ_sizes_get":
			e.Environ = true
		case "fd_prestat_get", "fd_prestat_dir_name":
			e.Preopens = true
		case "clock_time_get":
			e.Clock = true
		case "random_get":
			e.Random = true
		case "fd_readdir", "path_open", "path_filestat_get", "path_readlink",
			"path_create_directory", "path_remove_directory", "path_rename",
			"path_unlink_file", "path_filestat_set_times":
			e.Files = true
		}
	}
	e.Stdin = s.stdinRead
	return e
}
