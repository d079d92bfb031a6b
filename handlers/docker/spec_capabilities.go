package docker

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// capabilities are those of Linux (capabilities(7)), and ALL.
var capabilities = strings.Fields(`
	ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE
	DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE
	MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG
	SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE
	SYS_TIME SYS_TTY_CONFIG WAKE_ALARM`)

func (s *settings) parseCapabilities(d guest.Document) error {
	var names []string
	errs := []error{d.List("cap_add", &names)}
	for i, name := range names {
		word := capability(name)
		if !slices.Contains(capabilities, word) {
			errs = append(errs, fmt.Errorf("docker.cap_add[%d]: %q is no capability%s", i, name, guest.DidYouMean(word, capabilities)))
		}
		s.capAdd = append(s.capAdd, word)
	}
	slices.Sort(s.capAdd)
	s.capAdd = slices.Compact(s.capAdd)
	return errors.Join(errs...)
}

// capability is a name as Docker compares it.
func capability(name string) string { return strings.TrimPrefix(strings.ToUpper(name), "CAP_") }

// checkCapabilities says whether a task may have capabilities. ALL must be named
// itself.
func (p Policy) checkCapabilities(names []string) error {
	var errs []error
	for _, name := range names {
		if !slices.ContainsFunc(p.Capabilities, func(allowed string) bool { return capability(allowed) == name }) {
			errs = append(errs, fmt.Errorf("docker.cap_add: the operator does not allow %q: they would write capabilities: [%q] in the policy", name, name))
		}
	}
	return errors.Join(errs...)
}
