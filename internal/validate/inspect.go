package validate

import (
	"cmp"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

// Finding is what was found, and how much it weighs.
type Finding struct {
	*problem.Error
	Severity Severity
}

// Errors returns the findings that are errors.
func Errors(findings []Finding) []*problem.Error {
	var all []*problem.Error
	for _, f := range findings {
		if f.Severity == SeverityError {
			all = append(all, f.Error)
		}
	}
	return all
}

// Inspect is [CheckIn], with everything else that can be known of objects before they are applied: what an API server
// warns of, what is deprecated, and what the objects refer to in vain. trees are searched for definitions of kinds.
// Findings come in the order of files and lines.
func Inspect(trees []fs.FS, result *render.Result, known *Known) []Finding {
	var all []Finding
	add := func(severity Severity, found ...*problem.Error) {
		for _, f := range found {
			all = append(all, Finding{f, severity})
		}
	}
	objects := result.Objects
	errs, warnings := checkIn(trees, objects, known)
	add(SeverityError, errs...)
	add(SeverityWarning, warnings...)
	for _, w := range result.Warnings {
		add(severityOf(w), &problem.Error{Kind: problem.Usage, Rule: cmp.Or(w.Rule, ruleOfWarning(w.Type)), File: w.File, Line: w.Line, Cause: w.Message, Remedy: w.Remedy()})
	}
	add(SeverityError, repeatedInPatches(objects)...)
	all = append(all, references(objects, known)...)
	all = append(all, unlikelyAmounts(objects)...)
	all = append(all, admitted(objects)...)
	all = append(all, priorities(objects)...)
	all = append(all, allocations(objects)...)
	all = append(all, imageEntries(result)...)
	sortByPlace(all)
	return withoutRepeated(all)
}

func sortByPlace(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// repeatedInPatches finds keys that a mapping of a patch has twice: one of them is lost without a word.
func repeatedInPatches(objects []render.Rendered) []*problem.Error {
	var found []*problem.Error
	edits, seen := map[*render.Edits]bool{}, map[*yaml.Node]bool{}
	for _, o := range objects {
		if o.Edits == nil || edits[o.Edits] {
			continue
		}
		edits[o.Edits] = true
		for _, e := range o.Edits.All {
			if e.Path != nil || e.Node == nil || e.Node.Kind != yaml.MappingNode {
				continue
			}
			patch := &unstructured.Unstructured{Object: map[string]any{"kind": "patch of " + render.Scalar(e.Node, "kind"), "metadata": map[string]any{"name": render.Scalar(render.Field(e.Node, "metadata"), "name")}}}
			s := &subject{rendered: render.Rendered{Object: patch, Origin: render.Origin{File: e.File}}, allowed: allowance(len(found))}
			s.checkRepeatedKeys(e.Node, "", seen)
			found = append(found, s.findings...)
		}
	}
	return found
}

func severityOf(w render.Warning) Severity {
	switch {
	case w.Rule == RuleDuplicateKey:
		return SeverityError
	case w.Type == render.SkippedFile:
		return SeverityNote
	}
	return SeverityWarning
}

func ruleOfWarning(warning string) string {
	switch warning {
	case render.RepeatedResource:
		return RuleRepeated
	case render.DeprecatedField:
		return RuleDeprecatedField
	}
	return RuleSkipped
}

// checkDeprecated warns of a version of a kind that is going to be removed.
func checkDeprecated(s *subject, gvk schema.GroupVersionKind, minor int) {
	l, _ := lifecycleOf(gvk)
	if l.deprecated == 0 || l.deprecated > minor {
		return
	}
	cause := fmt.Sprintf("%s %s is deprecated since v1.%d", gvk.GroupVersion(), gvk.Kind, l.deprecated)
	if l.removed != 0 {
		cause += fmt.Sprintf(", and not served from v1.%d on", l.removed)
	}
	remedy := "plan to do without it"
	if r := replacement(gvk, nil, minor); r != "" {
		remedy = "use " + r
	}
	s.warn(RuleDeprecatedAPI, "apiVersion", cause, remedy+alsoChanges(gvk))
}

// fieldPath is what a warning of an API server begins with.
var fieldPath = regexp.MustCompile(`^([a-z][A-Za-z]*(?:\.[A-Za-z]+|\[[^\]]*\])*): `)

// checkDiscouraged warns of what an API server warns of.
func checkDiscouraged(s *subject, warnings []string) {
	for _, text := range warnings {
		field := ""
		if m := fieldPath.FindStringSubmatch(text); m != nil {
			field, text = m[1], strings.TrimPrefix(text, m[0])
		}
		remedy := "correct it, or be sure that it is meant"
		if strings.Contains(text, "hides previous definition") || strings.Contains(text, "duplicate port definition") {
			remedy = "remove one of them: server-side apply, by which a sync writes, refuses both"
		}
		s.warn(RuleDiscouraged, field, text, remedy)
	}
}
