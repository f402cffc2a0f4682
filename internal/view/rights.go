package view

import (
	"fmt"
	"strings"

	"github.com/cyan-cd/cyan/internal/access"
)

// Rights are what a subject may do, explained.
type Rights struct {
	Subject  string    `json:"subject"`
	Roles    []string  `json:"roles" doc:"those that lines give the subject, and the one that everybody has"`
	Rows     []Right   `json:"rows"`
	Findings []Finding `json:"findings" doc:"lines and roles that have no effect"`
}

// Right is whether a subject may do something, and the line of the policy that decides.
type Right struct {
	Resource string `json:"resource"`
	Action   string `json:"action"`
	Object   string `json:"object" doc:"one, or a pattern for what fits it and no other row"`
	Effect   string `json:"effect" enum:"allow,deny,none" doc:"none where no line is about it, which is denied"`
	By       string `json:"by,omitempty" doc:"the line that decides, as it is written"`
	From     string `json:"from,omitempty" doc:"where that line stands"`
	As       string `json:"as,omitempty" doc:"the name that the line holds for, where it is another than the subject's"`
}

// RightsOf explains what a subject may do. Unread are lines that are not understood, whoever they are about.
func RightsOf(subject string, e access.Explanation, unread []string) Rights {
	r := Rights{Subject: subject, Roles: append([]string{}, e.Roles...), Rows: make([]Right, 0, len(e.Decisions)), Findings: []Finding{}}
	for _, d := range e.Decisions {
		row := Right{Resource: d.Call.Resource, Action: d.Call.Action, Object: d.Call.Object, Effect: "none"}
		if d.By != nil {
			row.Effect, row.By, row.From = "deny", d.By.Text, placeOf(d.By)
			if d.Allowed {
				row.Effect = "allow"
			}
			if d.As != subject {
				row.As = d.As
			}
		}
		r.Rows = append(r.Rows, row)
	}
	for _, role := range e.Empty {
		r.Findings = append(r.Findings, Finding{Message: fmt.Sprintf("role %q: no line is about it; correct its name, or write lines of it", role), Severity: "warning"})
	}
	for _, o := range e.Idle {
		r.Findings = append(r.Findings, Finding{Object: placeOf(o.Line), Message: fmt.Sprintf("line %q has no effect: all of it is denied by %q (%s)", o.Line.Text, o.By.Text, placeOf(o.By)), Severity: "warning"})
	}
	for _, text := range unread {
		r.Findings = append(r.Findings, Finding{Message: text, Severity: "warning"})
	}
	return r
}

// placeOf returns where a line stands, as people look it up: the object, the field and the number of the line.
func placeOf(l *access.Line) string {
	if l.Object == access.BuiltIn {
		return access.BuiltIn
	}
	place := strings.TrimPrefix(l.Object, "ConfigMap ") + " " + l.Field
	if l.Number > 0 {
		place += fmt.Sprintf(":%d", l.Number)
	}
	return place
}
