package application

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// waiting is the queue of a server that has just begun: Applications of a repository wait, of which one is followed.
type waiting struct {
	news  *news
	repo  *testkit.Repo
	queue priorityqueue.PriorityQueue[reconcile.Request]
}

// newWaiting returns the queue of some Applications, each at a path of its own and compared last at a revision. The
// first follows its repository.
func newWaiting(t *testing.T, repo *testkit.Repo, compared ...string) *waiting {
	t.Helper()
	mirrors, err := source.Open(t.TempDir(), source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mirrors.Close() })
	followed := source.Repository{URL: repo.URL}
	all, builder := newSources(mirrors, source.NewRefPoller(mirrors, source.RefPollerOptions{})), fake.NewClientBuilder().WithScheme(testkit.Scheme())
	w := &waiting{repo: repo, queue: priorityqueue.New[reconcile.Request](t.Name())}
	t.Cleanup(w.queue.ShutDown)
	behind := -100
	for i, revision := range compared {
		app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: appOf(i)}}
		app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: repo.URL, Path: "apps/" + appOf(i), TargetRevision: "main"}
		app.Status.Sync.Revision = revision
		builder.WithObjects(app)
		w.queue.AddWithOpts(priorityqueue.AddOpts{Priority: &behind}, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "argocd", Name: appOf(i)}})
	}
	all.follow(types.NamespacedName{Namespace: "argocd", Name: appOf(0)}, followed)
	queue := newEnqueuer()
	if err := queue.start(t.Context(), w.queue); err != nil {
		t.Fatal(err)
	}
	c := builder.Build()
	w.news = &news{projects: c, apps: c, control: "argocd", newest: newNewest(c, c), sources: all, queue: queue, log: slog.New(slog.DiscardHandler)}
	return w
}

func appOf(i int) string { return fmt.Sprintf("app-%02d", i) }

// hear takes the repository's news, and returns the Applications of which a commit is taken to have changed
// something.
func (w *waiting) hear(t *testing.T) []string {
	t.Helper()
	asked := look{revisions: map[string]string{}, changes: map[span]*compare.Changes{}}
	w.news.unseen(t.Context(), asked, source.Repository{URL: w.repo.URL}.Identity())
	if len(asked.changes) > mostUnseen {
		t.Errorf("git was asked for %d differences, want at most %d", len(asked.changes), mostUnseen)
	}
	var first []string
	for app := range w.news.queue.changed {
		first = append(first, app.Name)
	}
	slices.Sort(first)
	return first
}

// While a server begins, those come first below whose path a commit has changed a file, though nobody has looked at
// them yet; the others stay where they are.
func TestACommitWhileTheServerBegins(t *testing.T) {
	repo := testkit.GitRepo(t)
	files := map[string]string{}
	for i := range 5 {
		files["apps/"+appOf(i)+"/settings.yaml"] = "a: 1\n"
	}
	before := repo.Commit(files)
	repo.Commit(map[string]string{"apps/" + appOf(3) + "/settings.yaml": "a: 2\n", "apps/" + appOf(0) + "/settings.yaml": "a: 2\n"})
	w := newWaiting(t, repo, before, before, before, before, "")
	// app-00 is followed, and so sorted by what it has read; app-04 was never compared.
	if first := w.hear(t); !slices.Equal(first, []string{appOf(3)}) {
		t.Fatalf("first come %v, want %s", first, appOf(3))
	}
	next, priority, _ := w.queue.GetWithPriority()
	if next.Name != appOf(3) || priority != priorityChanged {
		t.Errorf("next is %s with priority %d, want %s with %d", next.Name, priority, appOf(3), priorityChanged)
	}
}

// However many revisions Applications were compared at, git is asked about a few.
func TestGitIsAskedAboutFewRevisionsWhileTheServerBegins(t *testing.T) {
	repo := testkit.GitRepo(t)
	compared := []string{repo.Commit(map[string]string{"README.md": "0\n"})}
	for i := range 2 * mostUnseen {
		compared = append(compared, repo.Commit(map[string]string{"README.md": fmt.Sprintln(i + 1)}))
	}
	repo.Commit(map[string]string{"apps/" + appOf(1) + "/settings.yaml": "a: 2\n"})
	if first := newWaiting(t, repo, compared...).hear(t); !slices.Equal(first, []string{appOf(1)}) {
		t.Errorf("first come %v, want %s", first, appOf(1))
	}
}
