package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/spelling"
)

// As is the verdict of a field that has the shape of another table: its words name that.
const as Verdict = "as"

// index is the place of an element in a list.
var index = regexp.MustCompile(`\[\d+\]`)

// maxFindings bounds what is found in one object: the first ones are enough to understand it.
const maxFindings = 20

// Unserved finds what an object asks for and does not get: fields, and annotations of the models. Of a kind that has no
// table nothing is found but annotations.
func Unserved(object *unstructured.Unstructured) []Finding {
	w := walker{object: strings.TrimSpace(object.GetKind() + " " + object.GetName())}
	if t, ok := tableOf(object.GetKind()); ok && strings.HasPrefix(object.GetAPIVersion(), v1alpha1.GroupVersion.Group+"/") {
		for _, name := range sorted(object.Object) {
			// A status is written by who serves the object.
			if name != "apiVersion" && name != "kind" && name != "metadata" && name != "status" {
				w.field(t, name, name, object.Object[name])
			}
		}
	}
	w.annotations(object.GetAnnotations())
	return w.found
}

// UnservedOf is [Unserved] of an Application that was read into its type.
func UnservedOf(app *v1alpha1.Application) []Finding {
	plain := &unstructured.Unstructured{Object: map[string]any{}}
	for name, value := range map[string]any{"spec": &app.Spec, "operation": app.Operation} {
		if fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(value); err == nil {
			plain.Object[name] = fields
		}
	}
	if app.Operation == nil {
		delete(plain.Object, "operation")
	}
	plain.SetAPIVersion(v1alpha1.GroupVersion.String())
	plain.SetKind("Application")
	plain.SetName(app.Name)
	plain.SetAnnotations(app.Annotations)
	w := walker{object: "Application " + app.Name}
	for _, path := range app.Spec.Unlisted {
		w.unlisted(mustTable("Application"), "spec."+path)
	}
	w.found = append(w.found, Unserved(plain)...)
	return w.found
}

// UnservedOfProject is [Unserved] of an AppProject that was read into its type. A field that is misspelt is refused:
// what it was to bound would not be bounded.
func UnservedOfProject(project *v1alpha1.AppProject) []Finding {
	plain := &unstructured.Unstructured{Object: map[string]any{}}
	if fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&project.Spec); err == nil {
		plain.Object["spec"] = fields
	}
	plain.SetAPIVersion(v1alpha1.GroupVersion.String())
	plain.SetKind("AppProject")
	plain.SetName(project.Name)
	plain.SetAnnotations(project.Annotations)
	w := walker{object: "AppProject " + project.Name}
	for _, path := range project.Spec.Unlisted {
		w.unlisted(mustTable("AppProject"), "spec."+path)
	}
	w.found = append(w.found, Unserved(plain)...)
	for i, f := range w.found {
		if f.Meant != "" {
			w.found[i].Verdict = Refused
		}
	}
	return w.found
}

// UnservedByProject finds what an AppProject asks for and its Applications do not get. What concerns people, and its
// annotations, are told on the project alone.
func UnservedByProject(project *v1alpha1.AppProject) []Finding {
	return slices.DeleteFunc(UnservedOfProject(project), func(f Finding) bool {
		return f.Field == "spec.roles" || strings.HasPrefix(f.Field, annotationField)
	})
}

// walker goes through an object.
type walker struct {
	object string
	found  []Finding
}

func (w *walker) add(f Finding) {
	if len(w.found) < maxFindings {
		w.found = append(w.found, f)
	}
}

// field looks at one field: at is its path in the table, shown its path in the object.
func (w *walker) field(t Table, at, shown string, value any) {
	m := models()[t.Of]
	row, ok := t.path(at)
	switch {
	case !m.knows(at):
		w.add(unknownField(m, w.object, at, shown))
	case !ok:
	case row.Verdict == as:
		w.below(mustTable(row.Words), "", shown, value)
	case row.Verdict == Named || row.Verdict == Refused:
		if !isEmpty(value) && row.concerns(fmt.Sprint(value)) {
			w.add(row.finding(w.object, shown))
		}
	default:
		w.below(t, at, shown, value)
	}
}

// below looks at the fields of a value.
func (w *walker) below(t Table, at, shown string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range sorted(v) {
			w.field(t, strings.TrimPrefix(at+"."+name, "."), shown+"."+name, v[name])
		}
	case []any:
		for i, element := range v {
			shown := fmt.Sprintf("%s[%d]", shown, i)
			if row, ok := t.path(at + "[]"); ok && row.Verdict == as {
				w.below(mustTable(row.Words), "", shown, element)
				continue
			}
			w.below(t, at+"[]", shown, element)
		}
	}
}

// unlisted looks at a field of a spec that the type of the object does not have, by its path with indices. It is
// unknown, or one that the table names.
func (w *walker) unlisted(t Table, shown string) {
	at := index.ReplaceAllString(shown, "[]")
	for prefix := at; prefix != ""; prefix = parentOf(prefix) {
		if row, ok := t.path(prefix); ok && row.Verdict == as {
			t, at = mustTable(row.Words), strings.TrimPrefix(at[len(prefix):], ".")
			prefix = at + "."
		}
	}
	m := models()[t.Of]
	row, ok := t.path(at)
	switch {
	case !m.knows(at):
		w.add(unknownField(m, w.object, at, shown))
	case ok && (row.Verdict == Named || row.Verdict == Refused):
		w.add(row.finding(w.object, shown))
	}
}

// parentOf is the path of what has a field; "" for the first level.
func parentOf(path string) string {
	if list, ok := strings.CutSuffix(path, "[]"); ok {
		return list
	}
	return path[:max(strings.LastIndexByte(path, '.'), 0)]
}

// isEmpty reports whether a value is the same as none.
func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case int64:
		return v == 0
	case float64:
		return v == 0
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// below is the end of a row's field that stands for everything below as well.
const below = ".**"

// path returns the row of a field: the one that names it, before the nearest one that stands for what is below.
func (t Table) path(at string) (Row, bool) {
	var nearest Row
	for _, r := range t.Rows {
		if r.Field == at {
			return r, true
		}
		parent, deep := strings.CutSuffix(r.Field, below)
		if deep && len(r.Field) > len(nearest.Field) && (parent == at || strings.HasPrefix(at, parent+".") || strings.HasPrefix(at, parent+"[")) {
			nearest = r
		}
	}
	return nearest, nearest.Field != ""
}

// unknownField is the finding of a field that the models do not have: probably misspelt.
func unknownField(m model, object, at, shown string) Finding {
	f := Finding{Object: object, Field: shown, Verdict: Named, Cause: "unknown field", Remedy: "remove it"}
	name := strings.TrimPrefix(at[len(parentOf(at)):], ".")
	if meant := spelling.Closest(name, m.siblings(at)); meant != "" {
		f.Meant = strings.TrimSuffix(shown, name) + meant
		f.Remedy = "did you mean " + f.Meant + "?"
	}
	return f
}

// annotationField comes before the key of an annotation in the field of a finding.
const annotationField = "annotation "

// annotations finds what is not served of the models' annotations.
func (w *walker) annotations(all map[string]string) {
	t := mustTable("annotations")
	for _, key := range sorted(all) {
		domain, _, _ := strings.Cut(key, "/")
		row, known := t.key(key)
		switch {
		case known && (row.Verdict == Named || row.Verdict == Refused):
			f := row.finding(w.object, annotationField+key)
			w.add(f)
		case !known && (domain == "argocd.argoproj.io" || domain == "argoproj.io" || spelling.Closest(domain, []string{"argocd.argoproj.io"}) != ""):
			f := t.unknownKey(key)
			f.Object, f.Field, f.Cause = w.object, annotationField+key, "unknown annotation"
			w.add(f)
		}
	}
}
