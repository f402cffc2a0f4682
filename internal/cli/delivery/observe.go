package delivery

import (
	"context"
	"os"
	"path/filepath"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/app"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/view"
)

// observed are the deliveries that are seen in the cluster and in git, with the rights of the kubeconfig.
type observed struct {
	a       *kit.Control
	c       client.Client
	commits *commits
}

func newObserved(a *kit.Control, c client.Client) *observed {
	return &observed{a, c, &commits{read: map[string]read{}}}
}

func (o *observed) close() { o.commits.close() }

func (o *observed) look(ctx context.Context, of wanted) ([]view.Delivery, error) {
	apps, err := o.applications(ctx, of)
	if err != nil {
		return nil, err
	}
	var found []view.Delivery
	around := &neighbours{o: o, read: map[string][]*appsv1.ReplicaSet{}}
	within, cancel := context.WithTimeout(ctx, commitsTimeout)
	defer cancel()
	for _, one := range view.LastDelivering(apps, of.limit) {
		rollouts, err := around.of(ctx, one)
		if err != nil {
			return nil, err
		}
		found = append(found, view.Deliveries(view.DeliverySeen{Application: one, Commits: o.commits.of(within, o, one), Rollouts: rollouts})...)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return view.NewestDeliveries(found, of.limit), nil
}

func (o *observed) applications(ctx context.Context, of wanted) ([]*v1alpha1.Application, error) {
	if of.application != "" {
		one, err := app.Find(ctx, o.a, o.c, named(of))
		return []*v1alpha1.Application{one}, err
	}
	all, err := app.Served(ctx, o.a, o.c)
	return kit.Pointers(all), err
}

// neighbours reads the Rollouts of Applications, and the ReplicaSets of each namespace once.
type neighbours struct {
	o    *observed
	read map[string][]*appsv1.ReplicaSet
}

// of returns the Rollouts of an Application. Those of other clusters are not looked at, as on the page.
func (n *neighbours) of(ctx context.Context, one *v1alpha1.Application) ([]view.RolloutSeen, error) {
	if !view.IsHome(one.Spec.Destination) {
		return nil, nil
	}
	var seen []view.RolloutSeen
	for _, key := range view.RolloutsOf(one) {
		ro := &v1alpha1.Rollout{}
		err := n.o.c.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: key.Name}, ro)
		if client.IgnoreNotFound(err) != nil {
			return nil, n.o.a.Explain(err, "reading Rollout "+key.Name)
		} else if err != nil {
			continue
		}
		all, err := n.replicaSets(ctx, key.Namespace)
		if err != nil {
			return nil, err
		}
		of := view.RolloutSeen{Rollout: ro}
		for _, rs := range all {
			if metav1.IsControlledBy(rs, ro) {
				of.ReplicaSets = append(of.ReplicaSets, rs)
			}
		}
		seen = append(seen, of)
	}
	return seen, nil
}

func (n *neighbours) replicaSets(ctx context.Context, namespace string) ([]*appsv1.ReplicaSet, error) {
	if all, known := n.read[namespace]; known {
		return all, nil
	}
	list := &appsv1.ReplicaSetList{}
	if err := n.o.c.List(ctx, list, client.InNamespace(namespace), client.HasLabels{v1alpha1.PodHashLabel}); err != nil {
		return nil, n.o.a.Explain(err, "listing ReplicaSets")
	}
	n.read[namespace] = kit.Pointers(list.Items)
	return n.read[namespace], nil
}

// commitsTimeout bounds how long commits are waited for in one look, and askAgain is how long one that could not be
// read is not asked for again: without them deliveries are true all the same.
const commitsTimeout, askAgain = 10 * time.Second, 30 * time.Second

// commits reads commits of the repositories of Applications, each once.
type commits struct {
	mirrors *source.Mirrors
	failed  bool
	read    map[string]read
}

// read is a commit that was read, or when it could not be.
type read struct {
	view.GitCommit
	is bool
	at time.Time
}

func (c *commits) close() {
	if c.mirrors != nil {
		_ = c.mirrors.Close()
	}
}

// of returns the commits of an Application's deliveries and those that they name as built, as far as its project
// permits the repository and it can be read.
func (c *commits) of(ctx context.Context, o *observed, one *v1alpha1.Application) map[string]view.GitCommit {
	found := map[string]view.GitCommit{}
	from, err := app.Repository(ctx, o.a, o.c, one)
	if err != nil || !c.open(o) {
		return found
	}
	add := func(sha string) {
		if commit, ok := c.commit(ctx, from, sha); ok {
			found[sha] = commit
		}
	}
	for _, sha := range view.DeliveryRevisions(one) {
		add(sha)
	}
	for _, sha := range view.DeliveryRevisions(one) {
		if commit, ok := found[sha]; ok {
			if mark, marked := delivery.ReadMark(commit.Trailer); marked {
				add(mark.SourceCommit)
			}
		}
	}
	return found
}

func (c *commits) commit(ctx context.Context, from source.Repository, sha string) (view.GitCommit, bool) {
	key := from.Identity() + " " + sha
	if known, ok := c.read[key]; ok && (known.is || time.Since(known.at) < askAgain) {
		return known.GitCommit, known.is
	}
	if ctx.Err() != nil {
		return view.GitCommit{}, false
	}
	commit, err := c.mirrors.Commit(ctx, from, sha)
	now := read{is: err == nil, at: time.Now()}
	if err == nil {
		now.GitCommit = view.GitCommit{SHA: commit.SHA, Author: commit.Author.Name, Message: commit.Message, Date: commit.Author.Time, Committed: commit.Committer.Time, Trailer: commit.Trailer}
	}
	c.read[key] = now
	return now.GitCommit, now.is
}

// open opens the mirrors that runs of deliveries use too.
func (c *commits) open(o *observed) bool {
	if c.mirrors != nil || c.failed {
		return !c.failed
	}
	dir, err := mirrorDir()
	if err == nil {
		c.mirrors, err = source.Open(dir, source.Options{OwnConfiguration: true, LocalDirectories: []string{"/"}, KeepUnused: keepMirrors})
	}
	if err != nil {
		c.failed = true
		o.a.Note("commits are not read: %v", err)
	}
	return !c.failed
}

// mirrorDir is where repositories are mirrored.
func mirrorDir() (string, error) {
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "cyan", "delivery"), err
}
