package view

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// one observes an object whose metadata have more than a name.
func one(t testing.TB, is, metadata, rest string) Observed {
	t.Helper()
	return observe(t, strings.Replace(manifest(is, "u", rest), "metadata:", "metadata:\n  "+strings.ReplaceAll(metadata, "\n", "\n  "), 1))[0]
}

// What is known of an object by its kind.
func TestWhatIsObserved(t *testing.T) {
	info := func(o Observed) string {
		var all []string
		for _, i := range o.Node.Info {
			all = append(all, i.Name+"="+i.Value)
		}
		return strings.Join(all, ", ")
	}
	for _, c := range []struct {
		rule string
		of   Observed
		show func(Observed) string
		want string
	}{
		{"a pod", one(t, "v1 Pod p", "labels: {a: x}", "spec: {nodeName: one, containers: [{name: a}, {name: b}]}\nstatus: {phase: Running, containerStatuses: [{name: a, ready: true, restartCount: 2}, {name: b, restartCount: 1}]}"), info, "Status Reason=Running, Node=one, Containers=1/2, Restart Count=3"},
		{"a pod that waits for a node", one(t, "v1 Pod p", "labels: {}", "spec: {containers: [{name: a}]}\nstatus: {phase: Pending}"), info, "Status Reason=Pending, Containers=0/1"},
		{"a pod that cannot be read", one(t, "v1 Pod p", "labels: {a: x}", "spec: 7"), info, ""},
		{"the labels of a pod", one(t, "v1 Pod p", "labels: {a: x}", "spec: 7"), func(o Observed) string { return fmt.Sprint(o.Labels()) }, "map[a:x]"},
		{"the labels of others are not kept", one(t, "v1 ConfigMap c", "labels: {a: x}", ""), func(o Observed) string { return fmt.Sprint(o.Labels()) }, "map[]"},
		{"the selector of a Service", one(t, "v1 Service s", "labels: {}", "spec: {selector: {a: x}}"), func(o Observed) string { return fmt.Sprint(o.Selector()) }, "map[a:x]"},
		{"a selector that cannot be read", one(t, "v1 Service s", "labels: {}", "spec: {selector: {a: 7}}"), func(o Observed) string { return fmt.Sprint(o.Selector()) }, "map[]"},
		{"the Services of an Ingress", one(t, "networking.k8s.io/v1 Ingress i", "labels: {}", "spec: {defaultBackend: {service: {name: a}}, rules: [{http: {paths: [{backend: {service: {name: b}}}, {backend: {service: {name: a}}}]}}]}"), func(o Observed) string { return fmt.Sprint(o.Backends()) }, "[a b]"},
		{"an Ingress that cannot be read", one(t, "networking.k8s.io/v1 Ingress i", "labels: {}", "spec: {defaultBackend: 7, rules: {a: b}}"), func(o Observed) string { return fmt.Sprint(o.Backends()) }, "[]"},
		{"the revision of a Deployment", one(t, "apps/v1 Deployment d", "annotations: {deployment.kubernetes.io/revision: '4'}", ""), info, "Revision=Rev:4"},
		{"the revision of a ReplicaSet", one(t, "apps/v1 ReplicaSet r", "annotations: {deployment.kubernetes.io/revision: '4'}", ""), info, "Revision=Rev:4"},
		{"the revision of a Rollout, before that of its workload", one(t, "argoproj.io/v1alpha1 Rollout r", "annotations: {deployment.kubernetes.io/revision: '4', rollout.argoproj.io/revision: '5'}", ""), info, "Revision=Rev:5"},
		{"no revision yet", one(t, "apps/v1 Deployment d", "annotations: {a: b}", ""), info, ""},
		{"a kind of which nothing is known", one(t, "e.io/v1 Engine e", "annotations: {deployment.kubernetes.io/revision: '4'}", ""), info, ""},
		{"owners with and without a group", one(t, "v1 Pod p", "ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: a, uid: x}, {apiVersion: v1, kind: Node, name: one, uid: z}, {name: b}]", ""), func(o Observed) string { return fmt.Sprint(o.Owners) }, "[{apps ReplicaSet a x} { Node one z} {  b }]"},
		{"a health with why", one(t, "v1 PersistentVolumeClaim c", "labels: {}", "status: {phase: Lost}"), func(o Observed) string { return string(o.Node.Health) }, "Degraded"},
		{"no time of making", one(t, "v1 ConfigMap c", "labels: {}", ""), func(o Observed) string { return o.Node.Created + string(o.Node.Health) }, ""},
		{"links by http alone", one(t, "v1 ConfigMap c", "annotations: {link.argocd.argoproj.io/a: 'https://a.example', link.argocd.argoproj.io/b: 'javascript:alert(1)', link.argocd.argoproj.io/c: 'Docs|http://a.example', other: 'https://b.example'}", ""), func(o Observed) string { return fmt.Sprint(o.Node.URLs) }, "[https://a.example http://a.example]"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := c.show(c.of); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// A health that somebody's script computes is taken as it is, and may be none.
func TestObservedWithAJudge(t *testing.T) {
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod"}}
	said := &v1alpha1.HealthStatus{Status: v1alpha1.HealthSuspended, Message: "rests"}
	judge := func(*unstructured.Unstructured) *v1alpha1.HealthStatus { return said }
	if n := Observe(object, judge).Node; n.Health != v1alpha1.HealthSuspended || n.Message != "rests" {
		t.Errorf("got %s: %s", n.Health, n.Message)
	}
	said.Message = strings.Repeat("x", 1<<20)
	if n := Observe(object, judge).Node; len(n.Message) > longestText+len("…") {
		t.Errorf("a message of %d bytes is kept", len(n.Message))
	}
	said = nil
	if n := Observe(object, judge).Node; n.Health != "" {
		t.Errorf("got %s of one without a health", n.Health)
	}
}

// Links are http and https with a host, each once.
func TestLinks(t *testing.T) {
	for _, c := range []struct{ address, want string }{
		{"https://a.example/x?y#z", "[https://a.example/x?y#z]"}, {"http://a.example", "[http://a.example]"}, {"HTTPS://a.example", "[HTTPS://a.example]"},
		{"javascript:alert(1)", "[]"}, {"javascript://a.example/%0aalert(1)", "[]"}, {"data:text/html,x", "[]"}, {"//a.example", "[]"}, {"/applications", "[]"}, {"https:///x", "[]"}, {"https:a", "[]"},
		{"", "[]"}, {" https://a.example", "[]"}, {"https://a b", "[]"}, {"ht\ntps://a.example", "[]"}, {"ftp://a.example", "[]"},
		{"https://a.example/" + strings.Repeat("x", longestLink), "[]"},
	} {
		if got := fmt.Sprint(Links([]string{c.address})); got != c.want {
			t.Errorf("%q: got %s, want %s", c.address, got, c.want)
		}
	}
	exact := "https://a.example/" + strings.Repeat("x", longestLink-len("https://a.example/"))
	if got := Links([]string{exact, "no", exact, "http://b.example"}); !slices.Equal(got, []string{exact, "http://b.example"}) {
		t.Errorf("got %v", got)
	}
}

// What is kept of an object is bounded, whatever people write into it.
func TestWhatIsObservedIsBounded(t *testing.T) {
	const many = 2000
	list := func(format string) string {
		var all []string
		for i := range many {
			all = append(all, fmt.Sprintf(format, i))
		}
		return strings.Join(all, ", ")
	}
	o := one(t, "networking.k8s.io/v1 Ingress i", "ownerReferences: ["+list("{apiVersion: v1, kind: Node, name: n%d, uid: x}")+"]\nannotations: {"+list("link.argocd.argoproj.io/%[1]d: 'https://a.example/%[1]d'")+"}",
		"spec: {rules: [{http: {paths: ["+list("{backend: {service: {name: s%d}}}")+"]}}]}")
	if len(o.Owners) != mostOwners || len(o.Backends()) != mostBackends || len(o.Node.URLs) != mostLinks {
		t.Errorf("got %d owners, %d Services and %d links, want %d, %d and %d", len(o.Owners), len(o.Backends()), len(o.Node.URLs), mostOwners, mostBackends, mostLinks)
	}
	o = one(t, "apps/v1 Deployment d", "annotations: {deployment.kubernetes.io/revision: '"+strings.Repeat("9", 1<<16)+"'}", "spec: {template: {spec: {containers: ["+list("{image: 'a:%d'}")+"]}}}")
	if len(o.Node.Images) != mostImages || len(o.Node.Info[0].Value) > longestInfo+len("…") {
		t.Errorf("got %d images and a revision of %d bytes", len(o.Node.Images), len(o.Node.Info[0].Value))
	}
}

// A text is cut between characters. One that has none, as a commit may, is cut all the same.
func TestCutTexts(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""}, {"12345678", "12345678"}, {"123456789", "12345678…"}, {"1234567ü9", "1234567…"}, {"123456üü", "123456ü…"}, {"12345😀", "12345…"}, {"1234😀!", "1234😀…"},
		{strings.Repeat("\x80", 100), strings.Repeat("\x80", 4) + "…"},
	} {
		if got := cutTo(c.text, 8); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

func FuzzCutTo(f *testing.F) {
	f.Add("a text", 4)
	f.Add(strings.Repeat("\x80", 30), 10)
	f.Fuzz(func(t *testing.T, text string, longest int) {
		if longest < utf8.UTFMax {
			return
		}
		got := cutTo(text, longest)
		if len(got) > longest+len("…") || utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("%q to %d: got %q", text, longest, got)
		}
	})
}

// Whatever an object has in it, it is observed, with what may be linked to and no more than is bounded.
func FuzzObserve(f *testing.F) {
	for document := range strings.SplitSeq(blueGreen, "\n---\n") {
		f.Add(document)
	}
	f.Add("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, annotations: {link.argocd.argoproj.io/x: 'javascript:alert(1)'}}\nspec: {rules: [{host: 'a b'}], tls: [{}]}")
	f.Add("apiVersion: v1\nkind: Pod\nmetadata: {ownerReferences: [{}, {apiVersion: /}]}\nspec: {containers: 7}\nstatus: {containerStatuses: [{state: {}}]}")
	f.Fuzz(func(t *testing.T, document string) {
		object := read(document)
		if object == nil {
			return
		}
		o := Observe(object, nil)
		if len(o.Owners) > mostOwners || len(o.Node.URLs) > mostLinks || len(o.Node.Images) > mostImages || len(o.backends) > mostBackends || len(o.Node.Message) > longestText+len("…") {
			t.Errorf("more is kept than is bounded: %+v", o)
		}
		for _, address := range o.Node.URLs {
			if !strings.HasPrefix(strings.ToLower(address), "http") {
				t.Errorf("a page links to %q", address)
			}
		}
		app := &v1alpha1.Application{}
		app.Status.Resources = []v1alpha1.ResourceStatus{{Group: o.Node.Group, Kind: o.Node.Kind, Namespace: o.Node.Namespace, Name: o.Node.Name}}
		if nodes, hidden := Tree(app, []Observed{o, o}); len(nodes) != 1 || hidden != 0 || nodes[0].UID != o.Node.UID {
			t.Errorf("got %+v", nodes)
		}
	})
}
