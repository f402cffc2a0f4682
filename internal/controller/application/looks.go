package application

import (
	"context"
	"errors"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/source"
)

// mostLooks bounds the comparisons that go on at once: each may render, and try each object on the API server.
const mostLooks = 4

// Looks compares Applications with git for those who ask, as the controller does, and changes nothing. The zero value
// is ready to be given to [Setup]; until that was called, and on a copy that stands by, there is nobody to ask.
type Looks struct {
	mu       sync.Mutex
	observer *observer
	ready    <-chan struct{}
	slots    chan struct{}
	of       map[types.NamespacedName]*turn
}

// turn lets one look at an Application at a time.
type turn struct {
	taken   chan struct{}
	waiting int
}

// Look is how an Application stands against git.
type Look struct {
	// Revision is the commit that was rendered, "" where that is not known.
	Revision string
	// Rendering is nil where nothing could be rendered.
	Rendering *compare.Rendering
	// Comparison is complete where nothing stopped it.
	Comparison compare.Comparison
	// Problems are what a person should know of it, what stopped it first.
	Problems []error
}

// setUp has a controller answer, by a renderer of its own: what it renders of other revisions is no news.
func (l *Looks) setUp(r *reconciler, renderer *compare.Renderer) {
	if l == nil {
		return
	}
	o := &observer{
		client: r.client, sources: r.sources, clusters: r.clusters, renderer: renderer, comparer: compare.New(), control: r.control, now: r.now, settings: r.settings, orphans: newOrphanLooks(), given: &handOvers{}, rolledBack: r.rolledBack,
		follow: func(types.NamespacedName, source.Repository) {},
	}
	ready := r.settingsRead
	l.mu.Lock()
	defer l.mu.Unlock()
	l.observer, l.ready, l.slots, l.of = o, ready, make(chan struct{}, mostLooks), map[types.NamespacedName]*turn{}
}

// errStandsBy is the answer of a copy whose controllers do not run.
var errStandsBy = &problem.Error{Kind: problem.Unreachable, Object: "Server", Cause: "the controllers of this copy do not run, or not yet", Remedy: "try again; of several copies, the one that leads answers"}

// begin waits for a turn at an Application.
func (l *Looks) begin(ctx context.Context, name types.NamespacedName) (o *observer, end func(), err error) {
	l.mu.Lock()
	o = l.observer
	if o == nil {
		l.mu.Unlock()
		return nil, nil, errStandsBy
	}
	select {
	case <-l.ready:
	default:
		l.mu.Unlock()
		return nil, nil, errStandsBy
	}
	mine := l.of[name]
	if mine == nil {
		mine = &turn{taken: make(chan struct{}, 1)}
		l.of[name] = mine
	}
	mine.waiting++
	l.mu.Unlock()
	done := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if mine.waiting--; mine.waiting == 0 {
			delete(l.of, name)
		}
	}
	// Who waits for his turn holds no slot: one Application that takes long keeps nobody from looking at others.
	for i, place := range []chan struct{}{mine.taken, l.slots} {
		select {
		case place <- struct{}{}:
		case <-ctx.Done():
			if i > 0 {
				<-mine.taken
			}
			done()
			return nil, nil, ctx.Err()
		}
	}
	return o, func() {
		<-l.slots
		<-mine.taken
		done()
	}, nil
}

// Compare compares an Application with git, with the revision and the sources of its operation where it has one. It
// need not be there yet.
func (l *Looks) Compare(ctx context.Context, app *v1alpha1.Application) (Look, error) {
	name := client.ObjectKeyFromObject(app)
	o, end, err := l.begin(ctx, name)
	if err != nil {
		return Look{}, err
	}
	defer end()
	defer o.comparer.Forget(name)
	seen, err := o.gather(ctx, app)
	if err != nil {
		return Look{}, err
	}
	found := Look{Revision: seen.revision, Rendering: seen.rendered, Comparison: seen.comparison}
	for _, p := range seen.problems {
		if p.Effect == operation.Warns {
			found.Problems = append(found.Problems, p.Err)
			continue
		}
		found.Problems = append([]error{p.Err}, found.Problems...)
	}
	if seen.skipped {
		found.Problems = append(found.Problems, errors.New("the destination's cluster is left alone, as its Secret asks"))
	}
	return found, nil
}
