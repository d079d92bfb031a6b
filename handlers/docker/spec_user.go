package docker

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// nobody is whom a container runs as whose image has no other user than root.
const nobody = "65534:65534"

// userForm is a user, or a user and a group, each a name or a number. Docker reads
// numbers in more ways ("+0", "00"), which would be other names of root.
var userForm = regexp.MustCompile(`^([0-9]+|[a-z_][a-z0-9_.-]{0,31})(?::([0-9]+|[a-z_][a-z0-9_.-]{0,31}))?$`)

// userNumber begins with the number of a user, which is that in all images.
var userNumber = regexp.MustCompile(`^[0-9]+(:|$)`)

const mostID = 1<<31 - 1 // of Docker

func (s *settings) parseUser(d guest.Document) error {
	const want = `"UID:GID" as "1000:1000", or a name that the operator allows`
	if err := d.Text("user", &s.user); err != nil {
		var id uint32 // a number need not be quoted
		if json.Unmarshal(d.Field("user"), &id) != nil {
			return d.Wrong("user", want)
		}
		s.user = strconv.FormatUint(uint64(id), 10)
	}
	if d.Field("user") == nil {
		return nil
	}
	parts := userForm.FindStringSubmatch(s.user)
	if parts == nil || !isID(parts[1]) || !isID(parts[2]) {
		return d.Wrong("user", want)
	}
	if parts[2] == "" && isNumber(parts[1]) && !isRoot(parts[1]) {
		s.user += ":" + parts[1] // Docker's default is the group of root
	}
	return nil
}

// isID tells whether what is a number is one that Docker reads as it is written.
func isID(text string) bool {
	if !isNumber(text) {
		return true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && n <= mostID && strconv.FormatInt(n, 10) == text
}

func isNumber(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// isRoot tells whether a user, of an image as of a task, is root by number or name.
// A name that the image's own passwd gives the number 0 is not seen: see rootIn.
func isRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return strings.TrimSpace(name) == "" || zero(name)
}

// zero tells whether Docker reads a user or group as root's.
func zero(text string) bool {
	text = strings.TrimSpace(text)
	n, err := strconv.Atoi(text)
	return err == nil && n <= 0 || text == "root"
}

// checkUser says whether a task may ask for its user.
func (p Policy) checkUser(user string) error {
	name, group, _ := strings.Cut(user, ":")
	numbers := isNumber(name) && isNumber(group)
	switch {
	case user == "" || slices.Contains(p.Users, user):
		return nil
	case isRoot(user), zero(group):
		if slices.Contains(p.Users, "root") {
			return nil
		}
		return fmt.Errorf(`docker.user: the operator does not allow root, as %q is: they would write users: ["root"] in the policy; without it the task runs as its image's user, or as nobody`, user)
	case numbers:
		return nil
	}
	return fmt.Errorf(`docker.user: a name is what the image says it is, and so the operator must allow it: write numbers, as "1000:1000", or have them write users: [%q] in the policy`, user)
}
