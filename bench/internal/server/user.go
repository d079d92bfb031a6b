package server

import (
	"fmt"
	"os"
	"os/exec"
	osuser "os/user"
	"strconv"
	"syscall"
)

// user is whom a server runs as: nil is us.
type user struct{ credential *syscall.Credential }

// unprivileged is us, or somebody else if we are root.
func unprivileged(name string) (user, error) {
	if os.Getuid() != 0 {
		return user{}, nil
	}
	u, err := osuser.Lookup(name)
	if err != nil {
		return user{}, fmt.Errorf("whom to run %s as, since root may not: %w", name, err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return user{}, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return user{}, err
	}
	return user{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// mkdir makes a directory of the user's.
func (u user) mkdir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if u.credential == nil {
		return nil
	}
	return os.Chown(dir, int(u.credential.Uid), int(u.credential.Gid))
}

// run lets the user run cmd, in dir.
func (u user) run(cmd *exec.Cmd, dir string) {
	cmd.Dir = dir // ours may be closed to the user
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: u.credential}
}
