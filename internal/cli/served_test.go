package cli_test

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/settings"
)

// What is listed and chosen by labels is what the server looks after, as far as the person may list it.
func TestServedNamespaces(t *testing.T) {
	s := newShell(t)
	s.forget("served-own")
	open, team, closed := s.cluster.Namespace(t), s.cluster.Namespace(t), s.cluster.Namespace(t)
	for name, namespace := range map[string]string{"served-own": "argocd", "served-open": open, "served-team": team, "served-closed": closed} {
		app := &v1alpha1.Application{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"served": "yes"}},
			Spec: v1alpha1.ApplicationSpec{
				Project: "default", Destination: v1alpha1.ApplicationDestination{Server: v1alpha1.InClusterServer, Namespace: "default"},
				Source: &v1alpha1.ApplicationSource{RepoURL: "https://git.example/shop.git", Path: "k8s"},
			},
		}
		if err := s.cluster.Client.Create(t.Context(), app); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.cluster.Client.Delete(context.Background(), app) })
	}
	parameters := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: settings.ParametersName}}
	if err := s.cluster.Client.Create(t.Context(), parameters); err != nil {
		t.Fatal(err)
	}
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "served"}, Rules: []rbacv1.PolicyRule{{APIGroups: []string{"", "argoproj.io"}, Resources: []string{"configmaps", "applications"}, Verbs: []string{"get", "list"}}}}
	if err := s.cluster.Client.Create(t.Context(), role); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, o := range []client.Object{parameters, role} {
			_ = s.cluster.Client.Delete(context.Background(), o)
		}
	})
	for _, namespace := range []string{"argocd", open} {
		binding := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "served"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "served"},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "ada"}},
		}
		if err := s.cluster.Client.Create(t.Context(), binding); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.cluster.Client.Delete(context.Background(), binding) })
	}
	own, qualified := "served-own", func(namespace, name string) string { return namespace + "/" + name }
	for _, c := range []struct {
		name, served, flags string
		want                []string
		note                string
	}{
		{"the setting is absent", "", "", []string{own}, ""},
		{"names and patterns", open + "," + team[:len(team)-1] + "*", "", []string{qualified(open, "served-open"), own, qualified(team, "served-team")}, ""},
		{"one namespace is asked for", "*", "-N " + closed, []string{"served-closed"}, ""},
		{"the whole cluster", open, "-A", []string{"served-closed", "served-open", own, "served-team"}, ""},
		{"who may list some", open + "," + team + ",x-*,argocd", "--as ada", []string{qualified(open, "served-open"), own}, "Applications in namespaces " + team + ", x-*: not listed, for want of the right to list them\n"},
	} {
		parameters.Data = map[string]string{"application.namespaces": c.served}
		if err := s.cluster.Client.Update(t.Context(), parameters); err != nil {
			t.Fatal(err)
		}
		line := append(strings.Fields("cyan app list -l served=yes"), strings.Fields(c.flags)...)
		got := s.ends(line...)
		var names []string
		for _, row := range strings.Split(strings.TrimSpace(got.stdout), "\n")[1:] {
			columns := strings.Fields(row)
			if c.flags == "-A" {
				columns = columns[1:]
			}
			names = append(names, columns[0])
		}
		if got.code != 0 || strings.Join(names, " ") != strings.Join(c.want, " ") || got.stderr != c.note {
			t.Errorf("%s: got %q of %+v, want %q and the note %q", c.name, names, got, c.want, c.note)
		}
	}
	// One is created nowhere else.
	parameters.Data = map[string]string{"application.namespaces": team}
	if err := s.cluster.Client.Update(t.Context(), parameters); err != nil {
		t.Fatal(err)
	}
	refused := "Error: Application \"served-new\": namespace '" + closed + "' is not permitted: not among application.namespaces of ConfigMap argocd-cmd-params-cm; add it there, or create the Application in one of argocd, " + team + "\n"
	for _, line := range []string{"cyan app create " + closed + "/served-new", "cyan app create served-new -N " + closed} {
		got := s.ends(append(strings.Fields(line), "--repo", "https://git.example/shop.git", "--path", "k8s", "--dest-namespace", "default")...)
		if got != (outcome{20, "", refused}) {
			t.Errorf("%s: got %+v, want %q", line, got, refused)
		}
	}
	// A command that is given labels means the same ones.
	s.run("cyan", "app", "delete", "-l", "served=yes", "--cascade=false", "-y", "--wait=false")
	left := &v1alpha1.ApplicationList{}
	if err := s.cluster.Client.List(t.Context(), left, client.MatchingLabels{"served": "yes"}); err != nil {
		t.Fatal(err)
	}
	if got := len(left.Items); got != 2 {
		t.Errorf("%d Applications are left after a deletion by labels, want those of the two namespaces that are not served: %+v", got, left.Items)
	}
}
