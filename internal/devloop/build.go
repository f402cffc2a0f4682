package devloop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moby/patternmatcher/ignorefile"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// sourcesWithin is how long sources of programs may take to be listed.
const sourcesWithin = time.Minute

// artifact is an image on its way through rounds.
type artifact struct {
	skaffold.Artifact
	repository string
	// tag is what the next image is called by there.
	tag   string
	plan  *image.Plan
	built image.Built
	state decide.State
	// passed is the digest of the image that its tests have passed last.
	passed string
	// output gets what its builder prints; nil drops it.
	output *output
	// compiling is how far the compiler is; nil before it has begun.
	compiling atomic.Pointer[image.Progress]
	// builtOnly is set when files cannot be copied into its containers.
	builtOnly bool

	mu sync.Mutex
	// begun counts the builds.
	begun   int
	sources *decide.Sources
	// prepared is when commands prepared the files for the last build.
	prepared decide.Window
	// again is how often it was built for files that commands may have written.
	again decide.Again
}

// prepare notes when commands have prepared the files that are built now.
func (a *artifact) prepare(during decide.Window) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.prepared = during
}

// repositoryOf returns where an image is pushed.
func (o *Options) repositoryOf(name string) string {
	if o.Repository != nil {
		return o.Repository(name)
	}
	return skaffold.InRegistry(o.Registry, name)
}

// use has images built by another plan from now on; nil is one that is to be made.
func (a *artifact) use(plan *image.Plan) {
	if a.plan != nil {
		// What is left of it is in the folder for temporary files, and removed by the next start.
		_ = a.plan.Close()
	}
	a.plan = plan
}

// builder names what builds the image.
func (a *artifact) builder() string {
	if a.Custom != nil {
		return "its own command"
	}
	if a.plan == nil {
		return "nothing"
	}
	return a.plan.Builder
}

// tagOf returns the tag of an image.
func (o *Options) tagOf(a skaffold.Artifact) string {
	if o.Tag != nil {
		return o.Tag(a)
	}
	return "dev"
}

// request returns what is to be built; bases are the references of the images that it is built upon.
func (a *artifact) request(o *Options, bases map[string]string) (image.Request, error) {
	r := image.Request{
		Repository: a.repository, Tag: a.tag, Quick: !o.Whole, Again: true,
		// The same files give the same image, whenever they are built.
		Created: time.Unix(0, 0), Registries: o.Registries,
	}
	if a.output != nil {
		r.Output = a.output
	}
	r.Debug, r.Progress = o.debugOf(a), func(p image.Progress) { a.compiling.Store(&p) }
	err := Describe(&r, o.Root, a.Artifact, bases)
	return r, err
}

// image builds the image of an artifact, by the plan of the time before where that still holds.
func (b *builds) image(ctx context.Context, a *artifact, replan bool, bases map[string]string) (image.Built, error) {
	if a.plan == nil || replan || len(bases) > 0 {
		request, err := a.request(b.options, bases)
		if err != nil {
			return image.Built{}, err
		}
		if a.Custom != nil {
			return BuildCustom(ctx, request, b.options.Root, a.Artifact, bases, func(line string) { b.report(Event{Kind: Output, Artifact: a.Image, Text: line}) })
		}
		plan, err := image.Prepare(ctx, request)
		if err != nil {
			return image.Built{}, err
		}
		a.use(plan)
	}
	defer a.output.flush()
	image.Tag(a.plan, a.tag)
	return a.plan.Build(ctx)
}

// compilerSaid returns what a compiler or builder printed, if that is why a build has failed.
func compilerSaid(err error) (string, bool) {
	e := problem.Of(err)
	if e == nil || !errors.Is(err, image.ErrBuildFailed) {
		return "", false
	}
	_, said, ok := strings.Cut(e.Cause, ":\n")
	if !ok {
		return "", false
	}
	// The first line of it names the command.
	if command, rest, ok := strings.Cut(said, ": "); ok && strings.HasPrefix(command, "go ") && !strings.Contains(command, "\n") {
		said = rest
	}
	return said, true
}

// decided returns the artifact as what changes are judged by.
func (a *artifact) decided(root string) decide.Artifact {
	d := decide.Artifact{Image: a.Image, Context: path.Clean(a.Context)}
	for _, on := range a.DependsOn {
		d.DependsOn = append(d.DependsOn, on.Image)
	}
	if a.Docker != nil {
		d.Plan = append(d.Plan, path.Clean(a.Docker.Dockerfile), path.Clean(a.Docker.Dockerfile)+".dockerignore")
		d.Ignore = ignored(root, d.Context, a.Docker.Dockerfile)
	}
	if a.Custom != nil {
		d.Ignore = a.Custom.Ignored()
	}
	if !a.builtOnly {
		for _, rule := range a.Sync.Manual {
			d.Sync = append(d.Sync, decide.SyncRule(rule))
		}
		d.Inferred = a.inferred()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	d.Sources, d.Prepared, d.Again = a.sources, a.prepared, a.again
	return d
}

// inferred is what is copied because the Dockerfile does.
func (a *artifact) inferred() decide.Inferred {
	if a.plan == nil || len(a.Sync.Infer) == 0 {
		return decide.Inferred{}
	}
	found := decide.Inferred{Patterns: a.Sync.Infer}
	for _, c := range a.plan.Copies {
		found.Copies = append(found.Copies, decide.Copied(c))
	}
	return found
}

// begin notes that a build has begun: what the artifact is made of is not known any more, and every file of the context
// counts.
func (a *artifact) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begun++
	a.sources = nil
	a.compiling.Store(nil)
}

// inRoot returns the sources by their paths from the root.
func (a *artifact) inRoot(found *image.Sources) *decide.Sources {
	if found == nil {
		return nil
	}
	folder := a.Context
	if a.Go != nil {
		folder = cmp.Or(a.Go.Dir, a.Context)
	}
	known := &decide.Sources{}
	for _, f := range found.Folders {
		known.Folders = append(known.Folders, path.Join(folder, f))
	}
	for _, f := range found.Embedded {
		known.Trees = append(known.Trees, path.Join(folder, f))
	}
	return known
}

// ignored are the patterns of the file that belongs to the Dockerfile if there is one, otherwise of .dockerignore.
func ignored(root, context, dockerfile string) []string {
	for _, name := range []string{dockerfile + ".dockerignore", path.Join(context, ".dockerignore")} {
		f, err := os.Open(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			continue
		}
		defer f.Close()
		if patterns, err := ignorefile.ReadAll(f); err == nil {
			return patterns
		}
	}
	return nil
}

// builder builds an image and pushes what the registry does not have.
type builder func(ctx context.Context, a *artifact, replan bool, bases map[string]string) (image.Built, error)

// builds are the artifacts of the project.
type builds struct {
	*reporter
	options   *Options
	make      builder
	order     []string
	artifacts map[string]*artifact
	commands  *commands
}

func newBuilds(r *reporter, o *Options) *builds {
	b := &builds{reporter: r, options: o, commands: &commands{}}
	b.make = b.image
	return b
}

// take takes the artifacts of a project. Those that were there before keep what was built.
func (b *builds) take(all []skaffold.Artifact) {
	before := b.artifacts
	b.close()
	b.order, b.artifacts = nil, map[string]*artifact{}
	for _, a := range all {
		next := &artifact{Artifact: a, repository: b.options.repositoryOf(a.Image)}
		if b.options.ShowBuild {
			next.output = &output{line: func(line string) { b.report(Event{Kind: Output, Artifact: a.Image, Text: line}) }}
		}
		if was, there := before[a.Image]; there {
			next.built, next.again = was.built, was.again
		}
		b.order, b.artifacts[a.Image] = append(b.order, a.Image), next
	}
}

// refused returns the artifacts of an image that cannot take files, which are built instead: from now on at every
// change, where it can take none at all.
func (b *builds) refused(r refusal) []string {
	var names []string
	for _, name := range b.order {
		if desired.Name(name) != r.image {
			continue
		}
		names = append(names, name)
		b.artifacts[name].builtOnly = b.artifacts[name].builtOnly || r.always
	}
	return names
}

// postpone has images built in the next round that were to be built in this one.
func (b *builds) postpone(names []string) {
	for _, name := range names {
		b.artifacts[name].state = decide.State{}
	}
}

// instead has images built in the next round whose containers cannot take files.
func instead(b *builds, all []refusal) {
	for _, r := range all {
		b.postpone(b.refused(r))
	}
}

// forget has everything built anew.
func (b *builds) forget() {
	for _, a := range b.artifacts {
		a.state = decide.State{}
		a.use(nil)
	}
}

// close removes what is kept of builds to make the next ones quick.
func (b *builds) close() {
	for _, a := range b.artifacts {
		a.use(nil)
	}
}

// decided are the artifacts as changes are judged by, and states those of their images.
func (b *builds) decided() (all []decide.Artifact, states map[string]decide.State) {
	states = map[string]decide.State{}
	for _, name := range b.order {
		all = append(all, b.artifacts[name].decided(b.options.Root))
		states[name] = b.artifacts[name].state
	}
	return all, states
}

// refs are the images by which the artifacts are deployed, by name; complete is whether each has one.
func (b *builds) refs() (refs map[string]string, complete bool) {
	refs = map[string]string{}
	for name, a := range b.artifacts {
		if a.built.Digest == "" {
			return nil, false
		}
		refs[desired.Name(name)] = a.built.Ref()
	}
	return refs, true
}

// build builds images, several at once, each behind those that it depends on. It reports whether one of them is
// another than before.
func (b *builds) build(ctx context.Context, round int, since time.Time, w decide.Work) bool {
	before, done := map[string]string{}, map[string]chan struct{}{}
	for _, name := range w.Build {
		before[name], done[name] = b.artifacts[name].built.Digest, make(chan struct{})
	}
	var all sync.WaitGroup
	for _, name := range w.Build {
		a := b.artifacts[name]
		all.Go(func() {
			defer close(done[name])
			for _, on := range a.DependsOn {
				if before, builds := done[on.Image]; builds {
					<-before
				}
			}
			b.buildOne(ctx, round, since, a, slices.Contains(w.Replan, name))
		})
	}
	all.Wait()
	return slices.ContainsFunc(w.Build, func(name string) bool { return b.artifacts[name].built.Digest != before[name] })
}

func (b *builds) buildOne(ctx context.Context, round int, since time.Time, a *artifact, replan bool) {
	b.report(Event{Kind: Building, Round: round, Artifact: a.Image})
	a.begin()
	start := time.Now()
	a.call(b.options)
	end := b.tellWhenSlow(round, a, start)
	bases := map[string]string{}
	for _, on := range a.DependsOn {
		bases[on.Image] = b.artifacts[on.Image].built.Ref()
	}
	var built image.Built
	if a.Custom != nil || len(a.Tests) > 0 {
		defer b.commands.ended(start)
	}
	err := guarded(func() (err error) {
		built, err = b.make(ctx, a, replan, bases)
		return err
	})()
	end()
	took := time.Since(start)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		a.state.Failed = true
		said, ok := compilerSaid(err)
		if !ok {
			said = err.Error()
		}
		b.failed(Event{Kind: BuildFailed, Round: round, Artifact: a.Image, Text: said, Took: took, Total: time.Since(since), Err: err})
	default:
		text := "the same image as before"
		if built.Digest != a.built.Digest {
			text = fmt.Sprintf("%.19s with %s", built.Digest, a.builder())
		}
		a.built, a.state = built, decide.State{Built: true}
		b.report(Event{Kind: Built, Round: round, Artifact: a.Image, Text: text, Took: took, Compiled: built.Compiled, Pushed: built.Pushed, Total: time.Since(since)})
	}
}

// listing returns what finds out what the programs are made of that were built, so that other saves do not build them.
// Until it is known, every save does.
func (b *builds) listing(w decide.Work) func(context.Context) {
	var all []func(context.Context)
	for _, name := range w.Build {
		if a := b.artifacts[name]; a.plan != nil && !a.state.Failed {
			all = append(all, a.listing())
		}
	}
	return func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, sourcesWithin)
		defer cancel()
		for _, list := range all {
			list(ctx)
		}
	}
}

// listing returns what lists the sources of the build before. They count unless another one has begun by then.
func (a *artifact) listing() func(context.Context) {
	plan := a.plan
	a.mu.Lock()
	build := a.begun
	a.mu.Unlock()
	return func(ctx context.Context) {
		found, err := image.SourcesOf(ctx, plan)
		if err != nil {
			return
		}
		known := a.inRoot(found)
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.begun == build {
			a.sources = known
		}
	}
}
