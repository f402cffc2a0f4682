package compare

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
	"github.com/cyan-cd/cyan/internal/render/sops"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/source"
)

// maxRendered is the memory that results of rendering may take, in bytes, about.
const maxRendered = 128 << 20

// maxFiles is the number of files of which it is remembered what they were read as.
const maxFiles = 1 << 16

// Trees are the commits of repositories.
type Trees interface {
	Tree(ctx context.Context, repo source.Repository, revision string) (*source.Tree, error)
}

// RenderOptions bound what rendering costs. The zero value has the limits of the renderers, and waits for ever.
type RenderOptions struct {
	Limits render.Limits
	// Keys returns those that open files encrypted with SOPS for Applications of a project; none when nil.
	Keys func(ctx context.Context, project string) sops.Keys
	// Settings returns those of the installation; none when nil.
	Settings func() settings.Settings
	// Time is how long one rendering may take; no limit when zero.
	Time time.Duration
	// Patience is how long Render waits. The rendering goes on without it, and Finished is called with the Application
	// when it has ended; for ever when zero.
	Patience time.Duration
	Finished func(app types.NamespacedName)
	// Rendered is called with the outcome of each rendering that was made, and not remembered; it may be nil.
	Rendered func(outcome string)
}

// Renderer renders commits. It keeps what it rendered last for each Application, and for each source. It is safe for
// concurrent use, and one Application never waits for the rendering of another that costs much.
type Renderer struct {
	trees   Trees
	options RenderOptions
	render  render.Func
	// last has the result for each Application.
	last *render.Store[types.NamespacedName, *Rendering]
	// files are what files were read as.
	files *render.FileStore
	// expensive has a place for each rendering that may cost much at the same time.
	expensive chan struct{}

	mu      sync.Mutex
	running map[types.NamespacedName]*rendering
	// distrusted are the Applications whose next rendering is made anew.
	distrusted map[types.NamespacedName]bool
}

// rendering is one that runs. The results are there when done is closed.
type rendering struct {
	options, revision, keys string
	stop                    context.CancelFunc
	done                    chan struct{}
	result                  *Rendering
	err                     error
	// left is whether somebody has stopped waiting for it.
	left bool
}

// NewRenderer returns a Renderer of the commits that trees has.
func NewRenderer(trees Trees, o RenderOptions) *Renderer {
	by := render.Func(renderers.Render)
	if o.Rendered != nil {
		by = render.Counted(by, func(outcome render.Outcome) { o.Rendered(string(outcome)) })
	}
	return &Renderer{
		trees: trees, options: o, render: render.Cached(by, maxApplications, maxRendered),
		last:      render.NewStore[types.NamespacedName, *Rendering](maxApplications, maxRendered),
		files:     render.NewFileStore(maxFiles, maxRendered/2),
		expensive: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), running: map[types.NamespacedName]*rendering{}, distrusted: map[types.NamespacedName]bool{},
	}
}

// Render renders an Application's source at a commit of repo, which has to be the source's. An error means that the
// commit could not be read, or is temporary; a source that is wrong is a Rendering with Err.
func (r *Renderer) Render(ctx context.Context, app *v1alpha1.Application, permitted project.PermittedSource, repo source.Repository, revision string) (*Rendering, error) {
	src := permitted.Source()
	if src.RepoURL == "" || src.RepoURL != repo.URL {
		return nil, &problem.Error{Kind: problem.Refused, Object: "Application " + app.Name, Field: "spec.source.repoURL", Cause: fmt.Sprintf("repository %s was not judged by the project", repo)}
	}
	var keys sops.Keys
	if r.options.Keys != nil {
		keys = r.options.Keys(ctx, permitted.Project())
	}
	asked := r.settings()
	name, options := nameOf(app), optionsOf(app, src, repo, asked)
	if before := r.lastOf(app, src, repo); before != nil && before.Revision == revision && before.keys == keys.Fingerprint() {
		return before, nil
	}
	tree, err := r.trees.Tree(ctx, repo, revision)
	if err != nil {
		return nil, err
	}
	anew := r.takeDistrust(name)
	return r.wait(ctx, name, r.run(name, options, revision, keys.Fingerprint(), func(control render.Control) (*Rendering, error) {
		return renderTree(r.render, tree, app, src, revision, render.Options{Keys: keys, Settings: asked, Limits: r.options.Limits, Control: control, Files: r.files, Anew: anew})
	}))
}

// settings are those of this moment.
func (r *Renderer) settings() render.Settings {
	if r.options.Settings == nil {
		return render.Settings{}
	}
	s := r.options.Settings()
	return render.Settings{WithoutKustomize: s.Kustomize.Disabled, AnyFile: s.Kustomize.AnyFile}
}

// Distrust has the next rendering of an Application made anew, whatever is remembered of its source, by any name.
func (r *Renderer) Distrust(app types.NamespacedName) {
	r.last.Remove(app)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.distrusted[app] = true
}

func (r *Renderer) takeDistrust(app types.NamespacedName) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	anew := r.distrusted[app]
	delete(r.distrusted, app)
	return anew
}

// run starts a rendering, unless it runs already. One of something else for the same Application is stopped.
func (r *Renderer) run(name types.NamespacedName, options, revision, keys string, do func(render.Control) (*Rendering, error)) *rendering {
	r.mu.Lock()
	defer r.mu.Unlock()
	if before := r.running[name]; before != nil {
		if before.options == options && before.revision == revision && before.keys == keys {
			return before
		}
		before.stop()
	}
	ctx, stop := context.WithCancel(context.Background())
	if r.options.Time > 0 {
		ctx, stop = context.WithTimeout(context.Background(), r.options.Time)
	}
	started := &rendering{options: options, revision: revision, keys: keys, stop: stop, done: make(chan struct{})}
	r.running[name] = started
	go func() {
		defer stop()
		result, err := r.within(ctx, revision, do)
		r.finish(name, started, result, err)
	}()
	return started
}

// within renders until ctx ends. What cannot be stopped goes on a little, and holds its place among the expensive ones
// as long.
func (r *Renderer) within(ctx context.Context, revision string, do func(render.Control) (*Rendering, error)) (*Rendering, error) {
	type outcome struct {
		result *Rendering
		err    error
	}
	ended := make(chan outcome, 1)
	go func() {
		var o outcome
		holds := false
		defer func() {
			if p := recover(); p != nil {
				o = outcome{err: fmt.Errorf("rendering breaks down: %v", p)}
			}
			if holds {
				<-r.expensive
			}
			ended <- o
		}()
		o.result, o.err = do(render.Control{Done: ctx.Done(), Expensive: func() error {
			select {
			case r.expensive <- struct{}{}:
				holds = true
				return nil
			case <-ctx.Done():
				return render.ErrStopped
			}
		}})
	}()
	select {
	case o := <-ended:
		if !errors.Is(o.err, render.ErrStopped) {
			return o.result, o.err
		}
	case <-ctx.Done():
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, render.ErrStopped
	}
	// The same commit would take as long again.
	return &Rendering{Revision: revision, Result: &render.Result{}, Err: &problem.Error{
		Kind: problem.Usage, Object: "rendering", Cause: fmt.Sprintf("not finished after %s, which is the limit", r.options.Time),
		Remedy: "split the source into several Applications, or raise the server's limit for rendering",
	}}, nil
}

// finish records how a rendering has ended.
func (r *Renderer) finish(name types.NamespacedName, ended *rendering, result *Rendering, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ended.result, ended.err = result, err; result != nil {
		result.options, result.keys = ended.options, ended.keys
	}
	current := r.running[name] == ended
	if current {
		delete(r.running, name)
		if err == nil {
			r.last.Add(name, result, result.Result.Size)
		}
	}
	close(ended.done)
	if current && ended.left && r.options.Finished != nil {
		r.options.Finished(name)
	}
}

// wait waits for a rendering as long as is to be waited.
func (r *Renderer) wait(ctx context.Context, name types.NamespacedName, of *rendering) (*Rendering, error) {
	var late <-chan time.Time
	if r.options.Patience > 0 {
		timer := time.NewTimer(r.options.Patience)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-of.done:
		return of.result, of.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-late:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-of.done:
		return of.result, of.err
	default:
		of.left = true
	}
	return nil, &problem.Error{
		Kind: problem.Unreachable, Object: "Application " + name.Name, Cause: fmt.Sprintf("rendering revision %.7s takes longer than %s, and goes on", of.revision, r.options.Patience),
	}
}

// Forget drops what was rendered for an Application, and stops what is.
func (r *Renderer) Forget(app types.NamespacedName) {
	r.last.Remove(app)
	r.mu.Lock()
	defer r.mu.Unlock()
	if of := r.running[app]; of != nil {
		of.stop()
		delete(r.running, app)
	}
	delete(r.distrusted, app)
}
