package parts

import (
	"fmt"
	"slices"
	"strings"

	classifier "github.com/google/licenseclassifier/v2"
	"github.com/google/licenseclassifier/v2/assets"
)

// allowed are the licenses whose terms are kept by passing their texts on. MPL-2.0 is
// one of them as long as no file of such a part is changed, and none is.
var allowed = []string{
	"0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0",
	"CC0-1.0", "HPND", "ISC", "LicenseRef-public-domain", "MIT", "MIT-0", "MPL-2.0", "Python-2.0",
	"SunPro", "Unicode-3.0", "Unlicense", "Zlib", "dtoa",
}

// unknown is the license of a text that is none of those known.
const unknown = "LicenseRef-unknown"

// spdx are the identifiers of those that the classifier names in its own way.
var spdx = map[string]string{
	"BSD-0-Clause":               "0BSD",
	"BSD-2-Clause-FreeBSD":       "BSD-2-Clause",
	"BSD-2-Clause-NetBSD":        "BSD-2-Clause",
	"Apache-with-LLVM-Exception": "Apache-2.0 WITH LLVM-exception",
	"BeOpen":                     "Python-2.0", // one of the licenses that CPython's is made of
	"CNRI-Python-GPL-Compatible": "Python-2.0",
	"LicenseRef-MIT-Lucent":      "HPND",
	"PIL":                        "HPND",
	"Python-2.0-complete":        "Python-2.0",
	"X11-Lucent":                 "dtoa",
}

// A Judge tells licenses by their texts. It is safe for concurrent use.
type Judge struct{ texts *classifier.Classifier }

// NewJudge makes one that knows the texts of licenseclassifier; it takes a second.
func NewJudge() (*Judge, error) {
	c, err := assets.DefaultClassifier()
	if err != nil {
		return nil, fmt.Errorf("read the known licenses: %w", err)
	}
	return &Judge{c}, nil
}

// Licenses are the identifiers of the licenses that a text has, sorted; none if it has
// none that is known.
func (j *Judge) Licenses(text string) []string {
	var found []string
	for _, m := range j.texts.Match([]byte(text)).Matches {
		if m.MatchType != "License" {
			continue
		}
		name := m.Name
		if id, ok := spdx[name]; ok {
			name = id
		}
		found = append(found, name)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// Check is an error if a part has a license that is not allowed, or none that is known.
func Check(p Part) error {
	if len(p.Licenses) == 0 || slices.Contains(p.Licenses, unknown) {
		return fmt.Errorf("%s %s: no license that is known, or not that alone, in %s: look at it, then extend packaging/parts", p.Name, p.Version, names(p.Texts))
	}
	for _, id := range p.Licenses {
		if !slices.Contains(allowed, id) {
			return fmt.Errorf("%s %s: license %s is not one of those allowed: %s", p.Name, p.Version, id, strings.Join(allowed, ", "))
		}
	}
	return nil
}

func names(texts []Text) string {
	if len(texts) == 0 {
		return "its files"
	}
	var all []string
	for _, t := range texts {
		all = append(all, t.Name)
	}
	return strings.Join(all, ", ")
}
