package cli_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// eventsOf are the reasons and messages of the events about an object, in the order in which they were written.
func (s *shell) eventsOf(kind, name string) []string {
	s.t.Helper()
	var all corev1.EventList
	if err := s.cluster.Client.List(s.t.Context(), &all, client.InNamespace("argocd"), client.MatchingFields{"involvedObject.kind": kind, "involvedObject.name": name}); err != nil {
		s.t.Fatal(err)
	}
	slices.SortFunc(all.Items, func(a, b corev1.Event) int {
		return strings.Compare(zeroes(a.ResourceVersion), zeroes(b.ResourceVersion))
	})
	var told []string
	for _, e := range all.Items {
		if e.InvolvedObject.UID == "" || e.InvolvedObject.APIVersion != v1alpha1.GroupVersion.String() || e.Type != corev1.EventTypeNormal {
			s.t.Errorf("got event %+v, want it about the object", e)
		}
		_, done, _ := strings.Cut(e.Message, " ")
		told = append(told, e.Reason+": "+done)
	}
	return told
}

func zeroes(number string) string { return strings.Repeat("0", max(0, 20-len(number))) + number }

// What people change of Applications and AppProjects is recorded in events about these, whatever command they use.
func TestCommandsAreRecorded(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("told")
	const created, updated, deleted = "ResourceCreated: created application", "ResourceUpdated: updated application", "ResourceDeleted: deleted application"
	var want []string
	for _, c := range []struct {
		line string
		told []string
	}{
		{"cyan app create told --repo " + repo.URL + " --path k8s --dest-namespace default", []string{created}},
		{"cyan app create told --repo " + repo.URL + " --path k8s --dest-namespace default", nil},
		{"argocd app set told --revision main", []string{updated}},
		{"argocd app patch told --type merge --patch {\"metadata\":{\"labels\":{\"a\":\"b\"}}}", []string{updated}},
		{"argocd app sync told --async", nil},
		{"argocd app terminate-op told", nil},
		{"argocd app delete told -y --cascade=false", []string{deleted}},
	} {
		s.run(strings.Fields(c.line)...)
		want = append(want, c.told...)
		if got := s.eventsOf("Application", "told"); !slices.Equal(got, want) {
			t.Fatalf("after %s: got %q, want %q", c.line, got, want)
		}
	}
	s.run("cyan", "proj", "create", "told")
	s.run("cyan", "proj", "add-source", "told", repo.URL)
	s.run("cyan", "proj", "delete", "told", "-y")
	if got, want := s.eventsOf("AppProject", "told"), []string{"ResourceCreated: created project", "ResourceUpdated: updated project", "ResourceDeleted: deleted project"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A rollback is told as one.
func TestARollbackIsRecorded(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("rolled")
	s.run("cyan", "app", "create", "rolled", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default")
	app := s.app("rolled")
	for id := range int64(2) {
		app.Status.History = append(app.Status.History, v1alpha1.RevisionHistory{ID: id + 1, Revision: strings.Repeat("a", 40), Source: app.Spec.Source, DeployedAt: app.CreationTimestamp})
	}
	if err := s.cluster.Client.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	s.run("argocd", "app", "rollback", "rolled", "1", "--async")
	if got, want := s.eventsOf("Application", "rolled"), []string{"ResourceCreated: created application", "OperationStarted: initiated rollback to 1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
