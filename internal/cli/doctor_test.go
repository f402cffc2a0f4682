package cli_test

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// otherInstallation makes the controllers of another installation; they have no nodes to run on.
func otherInstallation(s *shell) (namespace string) {
	s.t.Helper()
	namespace = s.cluster.Namespace(s.t)
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{"app.kubernetes.io/name": name}}
	}
	labels := map[string]string{"app": "x"}
	selector := &metav1.LabelSelector{MatchLabels: labels}
	// A node that does not exist: no pod of theirs is ever run.
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{NodeSelector: map[string]string{"no": "node"}, Containers: []corev1.Container{{Name: "c", Image: "x"}}}}
	two := int32(2)
	for _, o := range []client.Object{
		&appsv1.StatefulSet{ObjectMeta: meta("argocd-application-controller"), Spec: appsv1.StatefulSetSpec{Replicas: &two, Selector: selector, Template: template}},
		&appsv1.Deployment{ObjectMeta: meta("argo-rollouts"), Spec: appsv1.DeploymentSpec{Selector: selector, Template: template}},
		&appsv1.Deployment{ObjectMeta: meta("argocd-server"), Spec: appsv1.DeploymentSpec{Selector: selector, Template: template}},
	} {
		if err := s.cluster.Client.Create(s.t.Context(), o); err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { _ = s.cluster.Client.Delete(context.Background(), o) })
	}
	return namespace
}

// TestAdopt: a plan first; then the controllers are stopped and nothing else is touched; and a way back.
func TestAdopt(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("theirs")
	s.run("cyan", "app", "create", "theirs", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default")
	namespace := otherInstallation(s)
	replicas := func() (application, rollouts, server int32, annotations int) {
		set, d, other := &appsv1.StatefulSet{}, &appsv1.Deployment{}, &appsv1.Deployment{}
		s.get(set, namespace, "argocd-application-controller")
		s.get(d, namespace, "argo-rollouts")
		s.get(other, namespace, "argocd-server")
		const annotation = "cyan.dev/replicas-before-adoption"
		for _, o := range []client.Object{set, d, other} {
			if o.GetAnnotations()[annotation] != "" {
				annotations++
			}
		}
		return *set.Spec.Replicas, *d.Spec.Replicas, *other.Spec.Replicas, annotations
	}
	before := s.app("theirs").ResourceVersion
	fill := strings.NewReplacer("$NS", namespace)
	for _, c := range []struct {
		line           string
		code           int
		stdout, stderr string
		state          [4]int
	}{
		{"adopt", 0, "*Other controllers (2 to stop):\n  Deployment $NS/argo-rollouts would be scaled from 1 to 0\n  StatefulSet $NS/argocd-application-controller would be scaled from 2 to 0\nServed as they are: ", "note: nothing was changed; --yes carries the plan out\n", [4]int{2, 1, 1, 0}},
		{"adopt --yes", 0, "*Deployment $NS/argo-rollouts scaled to 0; it had 1\nStatefulSet $NS/argocd-application-controller scaled to 0; it had 2\nthe other controllers have stopped; start `cyan server`, and go back with `cyan adopt --revert`\n", "", [4]int{0, 0, 1, 2}},
		{"adopt --yes", 0, "*Other controllers (0 to stop):\n  Deployment $NS/argo-rollouts is stopped; it had 1\n  StatefulSet $NS/argocd-application-controller is stopped; it had 2\n", "", [4]int{0, 0, 1, 2}},
		{"adopt --revert", 0, "Deployment $NS/argo-rollouts scaled to 1 again\nStatefulSet $NS/argocd-application-controller scaled to 2 again\n", "", [4]int{2, 1, 1, 0}},
		{"adopt --revert", 0, "no controller was stopped by adopt\n", "", [4]int{2, 1, 1, 0}},
	} {
		got := s.ends(append([]string{"cyan"}, strings.Fields(c.line)...)...)
		if got.code != c.code || !says(got.stdout, fill.Replace(c.stdout)) || got.stderr != c.stderr {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.line, got, c)
		}
		a, r, o, n := replicas()
		if state := [4]int{int(a), int(r), int(o), n}; state != c.state {
			t.Errorf("%s: replicas and annotations are %v, want %v", c.line, state, c.state)
		}
	}
	if s.app("theirs").ResourceVersion != before {
		t.Error("the Application was touched")
	}
}

// TestDoctor: each line by its check, and how it ends.
func TestDoctor(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("healthy", "ill")
	s.run("cyan", "app", "create", "healthy", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default")
	lines := func(wantCode int) map[string][]string {
		t.Helper()
		got := s.ends("cyan", "doctor")
		if got.code != wantCode || got.stderr != "" {
			t.Errorf("doctor ended with %d, %q, want %d:\n%s", got.code, got.stderr, wantCode, got.stdout)
		}
		found := map[string][]string{}
		for _, m := range regexp.MustCompile(`(?m)^(✔ ok  |⚠ warn|✖ fail)  (\S+) +(.*)$`).FindAllStringSubmatch(got.stdout, -1) {
			found[m[2]] = append(found[m[2]], strings.TrimSpace(m[1])+" "+m[3])
		}
		return found
	}
	has := func(found map[string][]string, check, part string) {
		t.Helper()
		if !strings.Contains(strings.Join(found[check], "\n"), part) {
			t.Errorf("%s: got %q, want %q", check, found[check], part)
		}
	}
	well := lines(0)
	for check, part := range map[string]string{
		"version": "✔ ok cyan v1.2.3", "git": "✔ ok git version", "cluster": "answers, Kubernetes v", "clock": "✔ ok less than", "kinds": "✔ ok served", "rights": "✔ ok those that the server needs",
		"controllers": "✔ ok no others", "repositories": "✔ ok 1 of 1 answer", "registries": "✔ ok no image is deployed",
	} {
		has(well, check, part)
	}
	namespace := otherInstallation(s)
	s.run("cyan", "app", "create", "ill", "--repo", "http://127.0.0.1:1/x.git", "--path", "k8s", "--dest-namespace", "default", "--validate=false", "--helm-set", "a=b")
	app := s.app("ill")
	app.Status.Summary.Images = []string{"127.0.0.1:1/x:v1"}
	if err := s.cluster.Client.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	ill := lines(1)
	has(ill, "controllers", "✖ fail others work on the same objects: Deployment "+namespace+"/argo-rollouts, StatefulSet "+namespace+"/argocd-application-controller; `cyan adopt` shows how")
	has(ill, "repositories", "✔ ok 1 of 2 answer")
	has(ill, "repositories", "✖ fail repository http://127.0.0.1:1/x.git: asking for its branches and tags")
	has(ill, "registries", "⚠ warn registry 127.0.0.1:1: ")
	has(ill, "unsupported", "⚠ warn Application ill: spec.source.helm")
	var results []struct{ Check, Status, Message, Remedy string }
	out, _, _ := s.try("cyan", "doctor", "-o", "json")
	if err := json.Unmarshal([]byte(out), &results); err != nil || len(results) < 9 || results[0].Check != "version" || results[0].Status != "ok" {
		t.Errorf("-o json: %v\n%s", err, out)
	}
	if got := s.ends("cyan", "doctor", "--context", "nope"); got.code != 1 || !strings.Contains(got.stdout, "✖ fail  cluster") || !strings.Contains(got.stdout, "✔ ok    git") {
		t.Errorf("without a cluster: got %+v", got)
	}
}

// TestDoctorLooksForTheKeysOfSigners: what projects ask of signatures, and what it takes to check them.
func TestDoctorLooksForTheKeysOfSigners(t *testing.T) {
	s := newShell(t)
	s.emptied("cyan-ssh-signers-cm")
	const gpg, ssh = "4AEE18F83AFDEB23", "SHA256:txVF8wMITH8YaLGZZQFvW2we//3GrfAPnVFKj8cnJFU"
	const public = "sue@example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDbuVefTXBUOIaJU0wqM8DwYYzKcDDuocbtVC/CYRdfG\n"
	path := write(t, "signers", public)
	none := t.TempDir()
	for _, c := range []struct {
		rule, spec string
		before     func()
		want       []string
	}{
		{"no public keys", `{"signatureKeys":[{"keyID":"` + gpg + `"},{"keyID":"` + ssh + `"}]}`, func() {},
			[]string{"warn AppProject vouched: no public key of " + gpg + ", " + ssh + ", so that nothing signed with it is permitted; add it with `cyan gpg add` or `cyan signer add`"}},
		{"one of two", `{"signatureKeys":[{"keyID":"` + gpg + `"},{"keyID":"` + ssh + `"}]}`, func() { s.run("cyan", "signer", "add", "--from", path) },
			[]string{"warn AppProject vouched: no public key of " + gpg + ", so that nothing"}},
		{"all of them", `{"signatureKeys":[{"keyID":"` + ssh + `"}]}`, func() {}, nil},
		{"a key that is none", `{"signatureKeys":[{"keyID":"ada"}]}`, func() {}, []string{"fail AppProject vouched: spec.signatureKeys: entry 1 is invalid"}},
		{"no program", `{"sourceIntegrity":{"git":{"policies":[{"repos":[{"url":"*"}],"gpg":{"mode":"head","keys":["` + ssh + `"]}}]}}}`, func() { t.Setenv("PATH", none) },
			[]string{"warn program ssh-keygen: not found on this machine, and signatures cannot be checked without it; install openssh-client where the server runs"}},
	} {
		s.storeProject("vouched", c.spec)
		c.before()
		out, _, _ := s.try("cyan", "doctor", "-o", "json")
		var lines []struct{ Check, Status, Message, Remedy string }
		if err := json.Unmarshal([]byte(out), &lines); err != nil {
			t.Fatalf("%s: %v\n%s", c.rule, err, out)
		}
		var got []string
		for _, l := range lines {
			if l.Check == "signatures" && (strings.Contains(l.Message, "vouched") || strings.HasPrefix(l.Message, "program ssh-keygen")) {
				got = append(got, l.Status+" "+l.Message+"; "+l.Remedy)
			}
		}
		if len(got) != len(c.want) || len(got) > 0 && !strings.HasPrefix(got[0], c.want[0]) {
			t.Errorf("%s: got %q, want %q", c.rule, got, c.want)
		}
	}
	s.storeProject("vouched", `{}`)
}
