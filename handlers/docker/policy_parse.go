package docker

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// ParsePolicy reads a policy from JSON: the fields of Policy in lower case with "_"
// between words, limits with the keys and units of a task's. All that is wrong is
// reported, joined.
func ParsePolicy(data []byte) (Policy, error) {
	var p Policy
	d, err := guest.Object("policy", data,
		"images", "pull", "mounts", "networks", "gpus", "devices", "users", "capabilities",
		"writable_root", "deny_auto_mount", "pool", "keep", "limits")
	mounts, mountsErr := parseMounts(d)
	limits, limitsErr := parseLimits(d.Field("limits"))
	p.Mounts, p.Limits = mounts, limits
	err = errors.Join(
		err, mountsErr, limitsErr,
		d.List("images", &p.Images),
		d.List("pull", &p.Pull),
		d.List("networks", &p.Networks),
		d.List("devices", &p.Devices),
		d.List("users", &p.Users),
		d.List("capabilities", &p.Capabilities),
		flag(d, "gpus", &p.GPUs),
		flag(d, "writable_root", &p.WritableRoot),
		flag(d, "deny_auto_mount", &p.DenyAutoMount),
		flag(d, "pool", &p.Pool),
		flag(d, "keep", &p.Keep),
	)
	return p, errors.Join(err, p.check())
}

func parseMounts(d guest.Document) ([]Mount, error) {
	var docs []json.RawMessage
	if raw := d.Field("mounts"); raw != nil && json.Unmarshal(raw, &docs) != nil {
		return nil, d.Wrong("mounts", "a list, as [{host: /srv/data, writable: true}]")
	}
	var all []Mount
	var errs []error
	for i, doc := range docs {
		var m Mount
		one, err := guest.Object(fmt.Sprintf("policy.mounts[%d]", i), doc, "host", "writable")
		errs = append(errs, err, one.Text("host", &m.Host), flag(one, "writable", &m.Writable))
		all = append(all, m)
	}
	return all, errors.Join(errs...)
}

// flag reads a boolean.
func flag(d guest.Document, key string, into *bool) error {
	var set *bool
	err := d.Flag(key, &set)
	*into = set != nil && *set
	return err
}
