package docker

import (
	"bytes"
	"strconv"
	"strings"
)

// rootIn tells whether a user by name is root by what an image has in /etc/passwd,
// as Docker reads it: the first line of the name counts, and a number that is
// missing there, or is none, is 0. A user by number is that number, whatever is
// there; a name that is not there starts no container.
func rootIn(passwd []byte, user string) bool {
	name, _, _ := strings.Cut(user, ":")
	if isRoot(user) {
		return true
	}
	if _, err := strconv.Atoi(name); err == nil {
		return false
	}
	for line := range bytes.Lines(passwd) {
		fields := strings.Split(strings.TrimSpace(string(line)), ":")
		if fields[0] != name {
			continue
		}
		if len(fields) < 3 {
			return true
		}
		id, err := strconv.Atoi(fields[2])
		return err != nil || id == 0
	}
	return false
}
