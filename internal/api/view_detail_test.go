package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/view"
)

// withCommits has a world read commits of git.
func withCommits(w *world) {
	w.options.Commits = func(_ context.Context, project, repo, sha string) (source.Commit, error) {
		if project != "shop" || repo != "https://git.example/shop" || sha != "two" {
			return source.Commit{}, errors.New("not there")
		}
		ann := source.Person{Name: "Ann", Time: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
		return source.Commit{SHA: sha, Author: ann, Committer: ann, Message: "Count requests\n\nBy path.\n"}, nil
	}
	w.handler = Handler(w.options)
}

// A detail has the objects, the history with its commits, and the rights of who asks.
func TestADetail(t *testing.T) {
	w := newWorld(t)
	withCommits(w)
	w.deploy(replicaSet("shop"))
	var d view.Detail
	w.get("shopper", "/api/v1/view/applications/argocd/shop-web", &d)
	if len(d.Nodes) != 3 || d.Nodes[1].Kind != "ReplicaSet" || d.Row.Name != "shop-web" || len(d.Row.Rights) != 7 || d.Trouble != "" || !d.CanSync {
		t.Errorf("got %+v", d)
	}
	if len(d.History) != 2 || d.History[0].Author != "Ann" || d.History[0].Message != "Count requests\n\nBy path." || d.History[1].Author != "" || d.Commit.Date != "" && d.Commit.Author == "" {
		t.Errorf("got history %+v, commit %+v", d.History, d.Commit)
	}
	if !strings.HasPrefix(d.Manifest, "apiVersion: argoproj.io/v1alpha1\nkind: Application\n") || strings.Contains(d.Manifest, "status:") || strings.Contains(d.Manifest, "resourceVersion") {
		t.Errorf("got manifest %s", d.Manifest)
	}
	hidden, missing := w.get("shopper", "/api/v1/view/applications/argocd/bank-web", nil), w.get("shopper", "/api/v1/view/applications/argocd/missing", nil)
	if hidden.Code != http.StatusForbidden || hidden.Body.String() != missing.Body.String() {
		t.Errorf("one that is hidden: %d %s, and one that is not there: %s", hidden.Code, hidden.Body, missing.Body)
	}
}

// Where the project does not permit the destination, nothing there is looked at, and why is said.
func TestDetailsKeepToTheirProject(t *testing.T) {
	w := newWorld(t)
	withCommits(w)
	app := w.app("shop-web")
	app.Spec.Destination.Namespace = "bank"
	if err := w.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	var d view.Detail
	w.get("shopper", "/api/v1/view/applications/argocd/shop-web", &d)
	if d.Trouble == "" || len(d.Nodes) != 2 || d.History[0].Author != "" {
		t.Errorf("got %+v", d)
	}
}

// A stream about an Application begins with it as it is, and goes on when it or what it has changes.
func TestStreamsOfApplications(t *testing.T) {
	f := newFed(t)
	l := f.listen("shopper", "application:argocd/shop-web,application:argocd/bank-web", "")
	l.expect("application", `"name":"shop-web"`, "bank-web")
	f.change("shop-web", func(a *v1alpha1.Application) { a.Status.Health.Status = v1alpha1.HealthDegraded })
	f.change("bank-web", healthy)
	l.expect("application", `"health":"Degraded"`, "bank-web")
	f.deploy(replicaSet("shop"))
	l.expect("application", `"kind":"ReplicaSet"`, "bank-web")
	// What is the same is not told again.
	f.feed.Rollout("shop", "web")
	f.change("shop-web", healthy)
	l.expect("application", `"health":"Healthy"`, "bank-web", "ReplicaSet")
	f.policy("")
	l.expect("gone", "shop-web", "bank-web")
}
