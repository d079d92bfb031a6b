package flowtest

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"
)

// FileReport is what the cases of a file came to.
type FileReport struct {
	File   string       `json:"file"`
	Flow   string       `json:"flow"`
	Cases  []*Result    `json:"cases"`
	Faults []string     `json:"faults,omitempty"` // of the file, as a mock that no case has used
	Cover  *CoverReport `json:"cover,omitempty"`
}

// Passed tells whether all of it is as it should be.
func (r FileReport) Passed() bool { return len(r.Faults) == 0 && r.PassedCases() == len(r.Cases) }

// PassedCases counts the cases that passed.
func (r FileReport) PassedCases() int {
	n := 0
	for _, c := range r.Cases {
		if c.Passed {
			n++
		}
	}
	return n
}

// The elements of JUnit's XML, as what reads test results takes it.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitFailure `xml:"failure"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes reports as the XML that CI systems read: a suite for each file. What is
// wrong with a file as a whole is a case of its own.
func JUnit(reports []FileReport) ([]byte, error) {
	all := junitSuites{}
	var total time.Duration
	for _, r := range reports {
		suite := junitSuite{Name: r.File}
		var spent time.Duration
		for _, c := range r.Cases {
			one := junitCase{Name: c.Name, Class: r.Flow, File: r.File, Line: c.Line, Time: seconds(c.Elapsed)}
			if !c.Passed {
				one.Failure = failureOf(Explain(c, nil))
			}
			suite.Cases = append(suite.Cases, one)
			spent += c.Elapsed
		}
		if len(r.Faults) > 0 {
			suite.Cases = append(suite.Cases, junitCase{
				Name: "the file", Class: r.Flow, File: r.File, Line: 1, Time: seconds(0), Failure: failureOf(strings.Join(r.Faults, "\n")),
			})
		}
		for _, c := range suite.Cases {
			if suite.Tests++; c.Failure != nil {
				suite.Failures++
			}
		}
		suite.Time = seconds(spent)
		total += spent
		all.Tests, all.Failures = all.Tests+suite.Tests, all.Failures+suite.Failures
		all.Suites = append(all.Suites, suite)
	}
	all.Time = seconds(total)
	raw, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the results as JUnit's XML: %w", err)
	}
	return append([]byte(xml.Header), append(raw, '\n')...), nil
}

func failureOf(text string) *junitFailure {
	first, _, _ := strings.Cut(text, "\n")
	return &junitFailure{Message: first, Text: text}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
