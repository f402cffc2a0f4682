package cli_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// deployed is an Application with a Deployment, a pod of that Deployment's ReplicaSet, two ConfigMaps and a Secret.
func deployed(s *shell, name string) (namespace string) {
	s.t.Helper()
	repo := shopRepo(s.t)
	s.forget(name)
	namespace = s.cluster.Namespace(s.t)
	s.run("cyan", "app", "create", name, "--repo", repo.URL, "--path", "k8s", "--dest-namespace", namespace)
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name, Namespace: namespace} }
	labels := map[string]string{"app": "web"}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "x"}}}}
	none := int32(0)
	d := &appsv1.Deployment{ObjectMeta: meta("web"), Spec: appsv1.DeploymentSpec{Replicas: &none, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template}}
	pod := &corev1.Pod{ObjectMeta: meta("web-pod"), Spec: template.Spec}
	stranger := &corev1.Pod{ObjectMeta: meta("stranger"), Spec: template.Spec}
	for _, o := range []client.Object{
		d, stranger, &corev1.ConfigMap{ObjectMeta: meta("a"), Data: map[string]string{"k": "v"}}, &corev1.ConfigMap{ObjectMeta: meta("b")},
		&corev1.Secret{ObjectMeta: meta("s"), StringData: map[string]string{"password": "s3cret"}},
	} {
		if err := s.cluster.Client.Create(s.t.Context(), o); err != nil {
			s.t.Fatal(err)
		}
	}
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: d.UID}}
	if err := s.cluster.Client.Create(s.t.Context(), pod); err != nil {
		s.t.Fatal(err)
	}
	app := s.app(name)
	for _, r := range []v1alpha1.ResourceStatus{{Group: "apps", Kind: "Deployment", Name: "web"}, {Kind: "ConfigMap", Name: "a"}, {Kind: "ConfigMap", Name: "b"}, {Kind: "Secret", Name: "s"}} {
		r.Version, r.Namespace = "v1", namespace
		app.Status.Resources = append(app.Status.Resources, r)
	}
	if err := s.cluster.Client.Update(s.t.Context(), app); err != nil {
		s.t.Fatal(err)
	}
	return namespace
}

// TestCommandsAboutObjects: what is read, asked of, changed and deleted of an Application's objects.
func TestCommandsAboutObjects(t *testing.T) {
	s := newShell(t)
	namespace := deployed(s, "objects")
	fill := strings.NewReplacer("$NS", namespace)
	for _, c := range []struct {
		line           string
		code           int
		stdout, stderr string
	}{
		{"actions list objects --kind Deployment", 0, "GROUP  KIND        NAME  ACTION   DISABLED\napps   Deployment  web   pause    false\napps   Deployment  web   restart  false\napps   Deployment  web   resume   true\n", ""},
		{"actions list objects --kind Deployment -o json", 0, `*"Action": "restart"`, ""},
		{"actions list objects -o xml", 2, "", "Error: --out: unknown format \"xml\"; give json or yaml\n"},
		{"actions list objects --kind Nothing", 13, "", "Error: Application \"objects\": object of Nothing not found; there are: ConfigMap $NS/a, ConfigMap $NS/b, Deployment $NS/web, Secret $NS/s\n"},
		{"actions run objects restart --kind Deployment", 0, "Deployment $NS/web restarted\n", ""},
		{"actions run objects resume --kind Deployment", 20, "", "Error: Deployment $NS/web: in no state for the action resume\n"},
		{"actions run objects explode --kind deployment", 2, "", "Error: Deployment $NS/web: unknown action \"explode\"; there are: pause, restart, resume\n"},
		{"actions run objects restart --kind ConfigMap --all", 2, "", "Error: ConfigMap $NS/a: unknown action \"restart\"\n"},
		{"actions run objects restart", 2, "", "Error: argocd app actions run: required flag(s) \"kind\" not set; `argocd app actions run --help` shows how it is written\n"},
		{"get-resource objects --kind ConfigMap --resource-name a --filter-fields data.k -o json", 0, `*"k": "v"`, ""},
		{"get-resource objects --kind ConfigMap --resource-name a --filter-fields data.k", 0, "*data.k           v", ""},
		{"get-resource objects --kind ConfigMap -o yaml", 0, "*kind: List", ""},
		{"get-resource objects --kind Pod -o yaml", 0, "*name: web-pod", ""},
		{"get-resource objects --kind Pod --resource-name stranger", 0, "RESOURCE FIELDS  VALUES\n", "note: Application \"objects\": object of Pod stranger not found; there are: ConfigMap $NS/a, ConfigMap $NS/b, Deployment $NS/web, Secret $NS/s\n"},
		{"get-resource objects --kind Secret -o yaml", 0, "*password: hidden, fingerprint", "note: the values of 1 Secret are hidden; --reveal prints them\n"},
		{"get-resource objects --kind Secret -o yaml --reveal", 2, "", "Error: confirmation: no terminal to ask on (print the values of 1 Secret in clear?); add -y if you mean it\n"},
		{"get-resource objects --kind Secret -o yaml --reveal -y", 0, "*password: czNjcmV0", ""},
		{"get-resource objects --kind ConfigMap --project other", 13, "", "Error: Application \"objects\": of project \"default\", not \"other\"\n"},
		{"patch-resource objects --kind ConfigMap --patch {}", 2, "", "Error: Application \"objects\": 2 objects fit: ConfigMap $NS/a, ConfigMap $NS/b; name one by --resource-name and --namespace, or add --all\n"},
		{"patch-resource objects --kind ConfigMap --resource-name a --patch {", 2, "", "Error: --patch: not JSON; write it as '{\"spec\":{\"replicas\":3}}'\n"},
		{"patch-resource objects --kind ConfigMap --resource-name a --patch {} --patch-type odd", 2, "", "Error: --patch-type: unknown type \"odd\"; give merge, json or strategic\n"},
		{`patch-resource objects --kind ConfigMap --all --patch {"data":{"x":"y"}} --patch-type application/merge-patch+json`, 0, "ConfigMap $NS/a patched\nConfigMap $NS/b patched\n", ""},
		{"get-resource objects --kind ConfigMap --resource-name b -o yaml", 0, "*x: \"y\"", ""},
		{"delete-resource objects --kind ConfigMap", 2, "", "Error: Application \"objects\": 2 objects fit: ConfigMap $NS/a, ConfigMap $NS/b; name one by --resource-name and --namespace, or add --all\n"},
		{"delete-resource objects --kind ConfigMap --resource-name a", 0, "ConfigMap $NS/a deleted\n", ""},
		{"delete-resource objects --kind Pod --resource-name web-pod --force --orphan", 0, "Pod $NS/web-pod deleted\n", ""},
		{"delete-resource objects --kind ConfigMap --resource-name a", 13, "", "Error: Application \"objects\": object of ConfigMap a not found; there are: ConfigMap $NS/a, ConfigMap $NS/b, Deployment $NS/web, Secret $NS/s\n"},
		{"get objects -o tree=detailed", 0, "*REASON", ""},
		{"resources objects -o tree=detailed", 0, "*REASON", ""},
		{"resources objects --project other", 13, "", "Error: Application \"objects\": of project \"default\", not \"other\"\n"},
		{"get objects --source-position 1", 2, "", "Error: --source-position, --source-name: given without --show-params; add it\n"},
		{"get objects --show-params", 0, "*Source:\npath: k8s", ""},
		{"logs objects --until-time noon", 2, "", "*Error: --until-time: parsing time"},
		{"logs objects --kind Service", 13, "", "*no pods found"},
		{"sync objects --project other", 13, "", "Error: Application \"objects\": of project \"default\", not other\n"},
		{"sync --project other", 13, "", "Error: --project: no Application in namespace argocd is of other\n"},
		{"sync -l no=such", 13, "", "Error: --selector: No matching apps found for filter: selector no=such\n"},
		{"delete -l no=such -y", 13, "", "Error: --selector: no apps match selector no=such in namespace argocd\n"},
		{"sync objects --revisions a --revisions b", 2, "", "Error: --revisions: several sources are not synced yet; give --revision for an Application with one source\n"},
		{"sync objects --revisions main --source-positions 2", 13, "", "*source [2] [] not found"},
		{"sync objects --preview-changes", 2, "*===== apps/Deployment $NS/shop ====== new", "Error: confirmation: no terminal to ask on (sync Application \"objects\"?); add -y if you mean it\n"},
		{"sync objects --preview-changes --assumeYes --async", 0, "*application 'objects' sync asked for\n", ""},
	} {
		got := s.ends(append([]string{"argocd", "app"}, strings.Fields(c.line)...)...)
		if got.code != c.code || !says(got.stdout, fill.Replace(c.stdout)) || !says(got.stderr, fill.Replace(c.stderr)) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.line, got, c)
		}
	}
	d := &appsv1.Deployment{}
	if s.get(d, namespace, "web"); d.Spec.Template.Annotations["kubectl.kubernetes.io/restartedAt"] == "" {
		t.Error("the Deployment was not restarted")
	}
}

// says reports whether a text is as wanted, or has it as a part where that is marked by a *.
func says(text, want string) bool {
	if part, ok := strings.CutPrefix(want, "*"); ok {
		return strings.Contains(text, part)
	}
	return text == want
}

// TestUnsetLeavesNothingEmpty: what has been set and is taken away again leaves the source as it was.
func TestUnsetLeavesNothingEmpty(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("bare")
	s.run("cyan", "app", "create", "bare", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default")
	s.run("cyan", "app", "set", "bare", "--nameprefix", "a-", "--namesuffix", "-b", "--validate=false")
	s.run("cyan", "app", "unset", "bare", "--nameprefix")
	if k := s.app("bare").Spec.Source.Kustomize; k == nil || k.NameSuffix != "-b" {
		t.Errorf("after one of two was taken away: got %+v, want the other", k)
	}
	s.run("cyan", "app", "unset", "bare", "--namesuffix")
	if k := s.app("bare").Spec.Source.Kustomize; k != nil {
		t.Errorf("after both were taken away: got %+v, want none", k)
	}
}

// TestSourcesOfASpec: sources are added, told apart, changed and removed.
func TestSourcesOfASpec(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("sources")
	const warning = "warning: spec.sources has 2 entries, and several sources are not synced yet\n"
	s.run("cyan", "app", "create", "sources", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default")
	if got, want := s.ends("cyan", "app", "add-source", "sources", "--repo", "r"), (outcome{20, "", "Error: Application \"sources\": spec.sources: not used; move spec.source into it with `cyan app edit`\n"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	app := s.app("sources")
	app.Spec.Source, app.Spec.Sources = nil, []v1alpha1.ApplicationSource{{RepoURL: "r", Path: "p", Name: "one"}}
	if err := s.cluster.Client.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	const updated = "application 'sources' updated\n"
	for _, c := range []struct {
		line, sources string
		want          outcome
	}{
		{"add-source sources --path x", `[{"repoURL":"r","path":"p","name":"one"}]`, outcome{2, "", "Error: --repo: missing; give the URL of the source's repository\n"}},
		{"add-source sources --repo s --path q --source-name two --ref base", `[{"repoURL":"r","path":"p","name":"one"},{"repoURL":"s","path":"q","ref":"base","name":"two"}]`, outcome{0, updated, warning + "warning: Application sources: spec.sources[1].ref: a name for the value files of charts to refer to; charts are not rendered, so nothing refers to it; remove it\n"}},
		{"set sources --path z", ``, outcome{2, "", "Error: --path: spec.sources has 2 entries, and which one is meant is not known; add --source-position or --source-name\n"}},
		{"set sources --path z --source-position 3", ``, outcome{13, "", "Error: spec.sources: source 3 not found; there are 2, counted from 1\n"}},
		{"set sources --path z --source-name two --nameprefix a- --ignore-missing-components --kustomize-label-without-selector --validate=false", `[{"repoURL":"r","path":"p","name":"one"},{"repoURL":"s","path":"z","kustomize":{"namePrefix":"a-","ignoreMissingComponents":true,"labelWithoutSelector":true},"ref":"base","name":"two"}]`, outcome{0, updated, ""}},
		{"unset sources --nameprefix", ``, outcome{2, "", "Error: spec.sources: has 2 entries, and which one is meant is not known; add --source-position or --source-name\n"}},
		{"unset sources --nameprefix --ignore-missing-components --ref --source-position 2", `[{"repoURL":"r","path":"p","name":"one"},{"repoURL":"s","path":"z","kustomize":{"labelWithoutSelector":true},"name":"two"}]`, outcome{0, updated, ""}},
		{"remove-source sources", ``, outcome{2, "", "Error: cyan app remove-source: which source is meant is missing; add --source-position or --source-name\n"}},
		{"remove-source sources --source-position 1 --source-name two", ``, outcome{2, "", "Error: --source-position, --source-name: given together; leave one out\n"}},
		{"remove-source sources --source-name one", `[{"repoURL":"s","path":"z","kustomize":{"labelWithoutSelector":true},"name":"two"}]`, outcome{0, updated, ""}},
		{"remove-source sources --source-position 1", ``, outcome{20, "", "Error: Application \"sources\": spec.sources: the only source cannot be removed\n"}},
	} {
		got := s.ends(append([]string{"cyan", "app"}, strings.Fields(c.line)...)...)
		sources, _ := json.Marshal(s.app("sources").Spec.Sources)
		if got != c.want || c.sources != "" && string(sources) != c.sources {
			t.Errorf("%s:\ngot  %+v\n     %s\nwant %+v\n     %s", c.line, got, sources, c.want, c.sources)
		}
	}
}

// What an API server says of a patch that it does not take is told in short, and of a Secret nothing that may have a
// value of it.
func TestPatchesThatAreNotTaken(t *testing.T) {
	s := newShell(t)
	namespace := deployed(s, "patches")
	secret := fmt.Sprintf("Error: Secret %s/s: the patch makes no valid Secret of it; what the API server says may have values, and is left out; see that data is of text in base64\n", namespace)
	for _, c := range []struct {
		kind, as, patch, want string
	}{
		{"Secret", "json", `[{"op":"add","path":"/data/other","value":5}]`, secret},
		{"Secret", "merge", `{"data":5}`, secret},
		{"Secret", "merge", `{"data":{"other":"!!"}}`, secret},
		{"Secret", "merge", `{"type":"changed"}`, secret},
		{"Secret", "strategic", `{"stringData":{"other":5}}`, secret},
		{"Secret", "json", `[{"op":"test","path":"/data/password","value":"b"}]`, "Error: --patch: testing value /data/password failed: test failed\n"},
		{"Secret", "json", `[{"op":"remove","path":"/data/none"}]`, "Error: --patch: error in remove for path: '/data/none': unable to remove nonexistent key: none: missing value\n"},
		{"Deployment", "json", `[{"op":"replace","path":"/spec/replicas","value":"x"}]`, "Error: Deployment \"web\" is invalid: patch: Invalid value: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32; correct the patch\n"},
		{"Deployment", "merge", `{"spec":{"replicas":-1}}`, "Error: Deployment \"web\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0; correct the patch\n"},
	} {
		got := s.ends("cyan", "app", "patch-resource", "patches", "--kind", c.kind, "--patch-type", c.as, "--patch", c.patch)
		if got.code == 0 || got.stderr != c.want || got.stdout != "" || strings.Contains(got.stderr, "czNjcmV0") {
			t.Errorf("%s %s: got %+v, want %q", c.kind, c.patch, got, c.want)
		}
	}
}
