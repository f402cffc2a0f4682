package api

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/patch"
)

// template is a call as the document has it.
type template struct{ id, method, path string }

// templates are all calls of the document, in an order that does not change.
func templates() []template {
	var all []template
	for path, item := range build().OpenAPI().Paths {
		for _, operation := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if operation != nil {
				all = append(all, template{operation.OperationID, operation.Method, path})
			}
		}
	}
	slices.SortFunc(all, func(a, b template) int { return strings.Compare(a.id, b.id) })
	return all
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

// filled returns the path of a template with values in place of its parameters, escaped as clients do.
func (c template) filled(values ...string) string {
	i := 0
	return parameter.ReplaceAllStringFunc(c.path, func(string) string {
		i++
		return url.PathEscape(values[(i-1)%len(values)])
	})
}

// valuesIn returns the values that a path has in place of a template's parameters; nil for a path of another.
func (c template) valuesIn(path string) []string {
	pattern := regexp.MustCompile(`\\\{[^}]*\}`).ReplaceAllString(regexp.QuoteMeta(c.path), `(.+)`)
	found := regexp.MustCompile("^" + pattern + "$").FindStringSubmatch(path)
	if found == nil {
		return nil
	}
	return found[1:]
}

// hostile are values that parsers have stumbled over.
var hostile = []string{
	"", ".", "..", "../..", "/", "//x", "\x00", "%00", "%", "a/b", "*", "?", "#", "{}", "[", "-1", "0", "9223372036854775807", "1e999", "null", "true", "\xff\xfe", "😀", "<script>", "\x1b[31m",
	"javascript:alert(1)", "https://user:pw@git.example/x", "file:///etc/passwd", "git@git.example:org/repo", "https://[::1]:99999/x", "$argocd-secret:admin.password", "proj:shop:role", "role:admin", strings.Repeat("a", 300),
}

// FuzzTemplates: whatever stands in place of a call's parameters, in its query and its body, the answer is JSON and no
// fault of the server's.
func FuzzTemplates(f *testing.F) {
	all := templates()
	for i, t := range all {
		for _, c := range calls {
			path, query, _ := strings.Cut(strings.ReplaceAll(c.path, "PROJECT", "shop"), "?")
			if c.id == t.id {
				values := append(t.valuesIn(path), "", "")
				f.Add(i, values[0], values[1], query, strings.ReplaceAll(c.body, "PROJECT", "shop"))
			}
		}
		for k := i % 4; k < len(hostile); k += 4 {
			text := hostile[k]
			f.Add(i, text, hostile[(k+i)%len(hostile)], "appNamespace="+url.QueryEscape(text)+"&project="+url.QueryEscape(hostile[(k+3)%len(hostile)]), `{"name":`+quotedJSON(text)+`}`)
		}
	}
	w := newWorld(f)
	restore := w.restorer()
	f.Fuzz(func(t *testing.T, call int, first, second, query, body string) {
		c := all[((call%len(all))+len(all))%len(all)]
		if c.method == http.MethodGet || c.method == http.MethodDelete {
			body = ""
		}
		for _, as := range []string{"deployer", "admin"} {
			fuzzCall(t, w, as, c.method, c.filled(first, second), query, body)
		}
		if c.method != http.MethodGet {
			restore(t)
		}
	})
}

func quotedJSON(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\x00", `\u0000`, "\x1b", `\u001b`).Replace(text) + `"`
}

// restorer returns what brings back what calls are about and have deleted or changed.
func (w *world) restorer() func(t *testing.T) {
	var kept []client.Object
	for _, list := range []client.ObjectList{&v1alpha1.ApplicationList{}, &v1alpha1.AppProjectList{}, &corev1.SecretList{}, &corev1.ConfigMapList{}, &v1alpha1.RolloutList{}} {
		if err := w.List(context.Background(), list); err != nil {
			w.Fatal(err)
		}
		all, err := meta.ExtractList(list)
		if err != nil {
			w.Fatal(err)
		}
		for _, o := range all {
			kept = append(kept, o.(client.Object))
		}
	}
	return func(t *testing.T) {
		t.Helper()
		for _, o := range kept {
			now := o.DeepCopyObject().(client.Object)
			if w.Get(context.Background(), client.ObjectKeyFromObject(o), now) == nil {
				if now.GetResourceVersion() == o.GetResourceVersion() {
					continue
				}
				now.SetFinalizers(nil)
				_ = w.Update(context.Background(), now)
				_ = patch.DeleteSeen(context.Background(), w, now)
			}
			fresh := o.DeepCopyObject().(client.Object)
			fresh.SetResourceVersion("")
			if err := w.Create(context.Background(), fresh); err != nil {
				t.Fatal(err)
			}
			o.SetResourceVersion(fresh.GetResourceVersion())
		}
	}
}
