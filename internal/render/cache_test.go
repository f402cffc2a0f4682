package render_test

import (
	"errors"
	"io/fs"
	"maps"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/sops"
)

// counter renders by counting: its result depends on the files that it reads and the variables that it uses.
type counter struct {
	mu    sync.Mutex
	calls int
	reads []string
	uses  []string
	err   error
	// namespace is whether the result depends on it.
	namespace bool
}

func (c *counter) render(fsys fs.FS, _ v1alpha1.ApplicationSource, opts render.Options) (*render.Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	tree := render.NewTree(fsys, render.NewBudget(opts.Limits, render.Control{}), sops.Keys{})
	for _, name := range c.reads {
		if _, err := tree.ReadFile(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return &render.Result{ReadSet: tree.ReadSet(), EnvUsed: c.uses, NamespaceUsed: c.namespace}, c.err
}

// hashedTree is a tree that knows the hash of its root, as a commit does.
type hashedTree struct {
	fstest.MapFS
	root string
}

func (h hashedTree) Hash(name string) (string, error) {
	if name == "." {
		return h.root, nil
	}
	return render.Hashed(h.MapFS).Hash(name)
}

func text(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s), Mode: 0o644} }

func TestCached(t *testing.T) {
	refusal := &problem.Error{Kind: problem.Usage, File: "a", Cause: "a is invalid", Remedy: "correct it"}
	first := fstest.MapFS{"a": text("1"), "other": text("1")}
	changed := func(name, content string) fstest.MapFS {
		tree := maps.Clone(first)
		tree[name] = text(content)
		return tree
	}
	type call struct {
		tree fs.FS
		src  v1alpha1.ApplicationSource
		opts render.Options
	}
	tests := []struct {
		name  string
		uses  []string
		err   error
		ns    bool // the result depends on the namespace
		calls []call
		want  int // renderings
	}{
		{name: "the same tree", calls: []call{{tree: first}, {tree: first}}, want: 1},
		{name: "a file that was read", calls: []call{{tree: first}, {tree: changed("a", "2")}}, want: 2},
		{name: "a file that was not read", calls: []call{{tree: first}, {tree: changed("other", "2")}}, want: 1},
		{name: "a file that was looked for and is there now", calls: []call{{tree: first}, {tree: changed("missing", "2")}}, want: 2},
		{name: "back to a former commit", calls: []call{{tree: first}, {tree: changed("a", "2")}, {tree: first}, {tree: changed("a", "2")}}, want: 2},
		{name: "more versions than are kept", calls: []call{
			{tree: first}, {tree: changed("a", "2")}, {tree: changed("a", "3")}, {tree: changed("a", "4")}, {tree: changed("a", "5")}, {tree: first},
		}, want: 6},
		{name: "the version that was used last is kept", calls: []call{
			{tree: first}, {tree: changed("a", "2")}, {tree: changed("a", "3")}, {tree: changed("a", "4")}, {tree: first},
			{tree: changed("a", "5")}, {tree: first},
		}, want: 5},
		{name: "another revision of the source", calls: []call{
			{tree: first, src: v1alpha1.ApplicationSource{TargetRevision: "main"}}, {tree: first, src: v1alpha1.ApplicationSource{TargetRevision: "v2"}},
		}, want: 1},
		{name: "another path", calls: []call{{tree: first}, {tree: first, src: v1alpha1.ApplicationSource{Path: "b"}}}, want: 2},
		{name: "an option of the source", calls: []call{
			{tree: first}, {tree: first, src: v1alpha1.ApplicationSource{Kustomize: &v1alpha1.KustomizeSource{NamePrefix: "x-"}}},
		}, want: 2},
		{name: "another namespace, which was used", ns: true, calls: []call{{tree: first}, {tree: first, opts: render.Options{Namespace: "b"}}}, want: 2},
		{name: "another namespace, which was not used", calls: []call{{tree: first}, {tree: first, opts: render.Options{Namespace: "b"}}}, want: 1},
		{name: "more namespaces that are used than versions are kept", ns: true, calls: []call{
			{tree: first, opts: render.Options{Namespace: "a"}}, {tree: first, opts: render.Options{Namespace: "b"}}, {tree: first, opts: render.Options{Namespace: "c"}},
			{tree: first, opts: render.Options{Namespace: "d"}}, {tree: first, opts: render.Options{Namespace: "e"}}, {tree: first, opts: render.Options{Namespace: "a"}},
		}, want: 5},
		{name: "other limits", calls: []call{{tree: first}, {tree: first, opts: render.Options{Limits: render.Limits{Files: 9}}}}, want: 2},
		{name: "a variable that was used", uses: []string{"NAME"}, calls: []call{
			{tree: first, opts: render.Options{Env: map[string]string{"NAME": "a"}}}, {tree: first, opts: render.Options{Env: map[string]string{"NAME": "b"}}},
		}, want: 2},
		{name: "a variable that was not used", uses: []string{"NAME"}, calls: []call{
			{tree: first, opts: render.Options{Env: map[string]string{"NAME": "a", "REVISION": "1"}}},
			{tree: first, opts: render.Options{Env: map[string]string{"NAME": "a", "REVISION": "2"}}},
		}, want: 1},
		{name: "a refusal", err: refusal, calls: []call{{tree: first}, {tree: first}}, want: 1},
		{name: "a failure to read", err: errors.New("git is away"), calls: []call{{tree: first}, {tree: first}}, want: 2},
		{name: "a root that is known", calls: []call{
			{tree: hashedTree{first, "1"}}, {tree: hashedTree{changed("other", "2"), "2"}}, {tree: hashedTree{nil, "2"}},
		}, want: 1},
		{name: "another root", calls: []call{{tree: hashedTree{first, "1"}}, {tree: hashedTree{changed("a", "2"), "2"}}}, want: 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := &counter{reads: []string{"a", "missing"}, uses: test.uses, err: test.err, namespace: test.ns}
			cached := render.Cached(c.render, 10, 1<<20)
			for i, call := range test.calls {
				result, err := cached(call.tree, call.src, call.opts)
				if !errors.Is(err, test.err) {
					t.Errorf("call %d: the error is %v, want %v", i, err, test.err)
				}
				if result == nil {
					t.Errorf("call %d: there is no result", i)
				}
			}
			if c.calls != test.want {
				t.Errorf("%d renderings, want %d", c.calls, test.want)
			}
		})
	}
}

// The result of a source that was not used for long makes room.
func TestCachedSources(t *testing.T) {
	c := &counter{reads: []string{"a"}}
	cached := render.Cached(c.render, 2, 1<<20)
	tree := fstest.MapFS{"a": text("1")}
	for _, name := range []string{"x", "y", "x", "z", "x", "y"} {
		if _, err := cached(tree, v1alpha1.ApplicationSource{Path: name}, render.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if want := 4; c.calls != want {
		t.Errorf("%d renderings, want %d: x, y and z once, and y again", c.calls, want)
	}
}

// A result that is given again is the same one: what was found out about it stays true.
func TestCachedResultIsShared(t *testing.T) {
	c := &counter{reads: []string{"a"}}
	cached := render.Cached(c.render, 2, 1<<20)
	one, err := cached(fstest.MapFS{"a": text("1")}, v1alpha1.ApplicationSource{}, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			two, err := cached(fstest.MapFS{"a": text("1"), "new": text("2")}, v1alpha1.ApplicationSource{}, render.Options{})
			if err != nil || one != two {
				t.Errorf("the second result is %p, %v; want %p", two, err, one)
			}
		})
	}
	wait.Wait()
}

// A rendering that is to be made anew is made, whatever is known, and is what is known from then on.
func TestRenderingAnew(t *testing.T) {
	c := &counter{reads: []string{"a"}}
	cached := render.Cached(c.render, 10, 1<<20)
	for i, step := range []struct {
		anew  bool
		calls int
	}{{false, 1}, {false, 1}, {true, 2}, {true, 3}, {false, 3}} {
		_, err := cached(fstest.MapFS{"a": text("1")}, v1alpha1.ApplicationSource{Path: "k8s"}, render.Options{Anew: step.anew})
		if err != nil || c.calls != step.calls {
			t.Errorf("step %d: rendered %d times, %v; want %d", i, c.calls, err, step.calls)
		}
	}
}

// Renderings of equal inputs that are asked for at the same time are one, and each that is made is counted by its
// outcome; who waits for another's rendering can be told to stop.
func TestCachedAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outcomes := map[render.Outcome]int{}
		entered, leave := make(chan struct{}), make(chan struct{})
		c := &counter{reads: []string{"a"}}
		cached := render.Cached(render.Counted(func(fsys fs.FS, src v1alpha1.ApplicationSource, opts render.Options) (*render.Result, error) {
			if src.Path == "slow" {
				close(entered)
				<-leave
			}
			return c.render(fsys, src, opts)
		}, func(o render.Outcome) { outcomes[o]++ }), 10, 1<<20)
		tree := hashedTree{fstest.MapFS{"a": text("1")}, "1"}
		ask := func(control render.Control) error {
			_, err := cached(tree, v1alpha1.ApplicationSource{Path: "slow"}, render.Options{Control: control})
			return err
		}
		var wait sync.WaitGroup
		for range 100 {
			wait.Go(func() {
				if err := ask(render.Control{}); err != nil {
					t.Error(err)
				}
			})
		}
		<-entered
		synctest.Wait()
		if _, err := cached(tree, v1alpha1.ApplicationSource{Path: "quick"}, render.Options{}); err != nil {
			t.Errorf("another source, meanwhile: %v", err)
		}
		close(leave)
		wait.Wait()
		c.err = &problem.Error{Kind: problem.Usage, Cause: "invalid"}
		if _, err := cached(hashedTree{fstest.MapFS{"a": text("2")}, "2"}, v1alpha1.ApplicationSource{Path: "quick"}, render.Options{}); err == nil {
			t.Error("a source that is wrong is not refused")
		}
		c.err = errors.New("git is away")
		if _, err := cached(hashedTree{fstest.MapFS{"a": text("3")}, "3"}, v1alpha1.ApplicationSource{Path: "quick"}, render.Options{}); err == nil {
			t.Error("a source that cannot be read has no error")
		}
		if want := (map[render.Outcome]int{render.OutcomeRendered: 2, render.OutcomeRefused: 1, render.OutcomeFailed: 1}); !maps.Equal(outcomes, want) {
			t.Errorf("counted %v, want %v", outcomes, want)
		}
	})
}

// Who waits for the rendering of another stops when it is told to.
func TestWaitingForARenderingStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entered, leave := make(chan struct{}, 2), make(chan struct{})
		cached := render.Cached(func(_ fs.FS, _ v1alpha1.ApplicationSource, opts render.Options) (*render.Result, error) {
			entered <- struct{}{}
			select {
			case <-leave:
				return &render.Result{}, nil
			case <-opts.Control.Done:
				return nil, render.ErrStopped
			}
		}, 10, 1<<20)
		tree := hashedTree{fstest.MapFS{}, "1"}
		go func() { _, _ = cached(tree, v1alpha1.ApplicationSource{}, render.Options{}) }()
		<-entered
		stop := make(chan struct{})
		stopped := make(chan error)
		go func() {
			_, err := cached(tree, v1alpha1.ApplicationSource{}, render.Options{Control: render.Control{Done: stop}})
			stopped <- err
		}()
		synctest.Wait()
		close(stop)
		if err := <-stopped; !errors.Is(err, render.ErrStopped) {
			t.Errorf("the error is %v, want %v", err, render.ErrStopped)
		}
		close(leave)
	})
}
