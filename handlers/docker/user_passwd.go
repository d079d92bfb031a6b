package docker

import (
	"bytes"
	"strconv"
	"strings"
)

// rootIn tells whether a container's user is root by what its image has in
// /etc/passwd. Docker looks for the user there by name first, whatever the name
// looks like: with a line "65534:x:0:…" the user 65534 is root. What is not there and
// is no number is nobody that Docker would start.
func rootIn(passwd []byte, user string) bool {
	name, _, _ := strings.Cut(user, ":")
	wanted, err := strconv.Atoi(name)
	isNumber := err == nil
	for line := range bytes.Lines(passwd) {
		fields := strings.Split(strings.TrimSpace(string(line)), ":")
		id, err := 0, error(nil) // Docker reads what is missing, or no number, as 0
		if len(fields) > 2 {
			id, err = strconv.Atoi(fields[2])
		}
		if err != nil {
			id = 0
		}
		if fields[0] == name || isNumber && id == wanted {
			if id == 0 {
				return true
			}
		}
	}
	return isNumber && wanted == 0 || name == ""
}
