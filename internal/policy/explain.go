package policy

import "fmt"

// examples are what an operator would write for a grant.
var examples = map[string]string{
	"mounts": "[{host: /DIR}], with writable: true for writing", "env": "[NAME]", "http": "[HOST]", "http_networks": "[CIDR]",
	"secrets": "[NAME]", "tools": "[NAME]", "config": "[KEY]", "spawn": "[MODULE]", "clock": "real", "random": "secure",
	"channel": "true", "control": "true", "allow_secret_output": "true",
}

// Explain says which policy refused a grant, by its key in a task's grants, and what
// would allow it.
func (p *Policy) Explain(key string) string {
	example := examples[key]
	if example == "" {
		return ""
	}
	if p.File == "" {
		return fmt.Sprintf("no policy was given here, and without one that is not granted to what others submit: the operator gives --policy FILE with grants: {%s: %s}, or you run the flow on your own machine", key, example)
	}
	return fmt.Sprintf("that is the policy %s, key grants.%s: its operator would add %s there", p.File, key, example)
}
