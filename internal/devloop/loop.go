package devloop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/devloop/decide"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// endWithin bounds what is done once the loop is to end.
const endWithin = 30 * time.Second

// loop is a loop while it runs. Rounds are carried out one after the other, by one goroutine.
type loop struct {
	*reporter
	Options
	project skaffold.Project
	// unread are the files for which the project could not be read the last time.
	unread    []string
	builds    *builds
	manifests *manifests
	rollouts  *rollouts
	reader    *live.Reader
	clients   kubernetes.Interface
	claim     *claim
	// held is the hand-over of an Application's objects; nil for a loop that has its own.
	held *hold
	// sameAs are images that were built, by what is deployed in their place.
	sameAs   map[string]string
	manner   manner
	applier  *applier
	scene    *scene
	watcher  *watcher
	forwards *forwards
	logs     *logs
	syncer   *syncer
	hooks    *hooks
	commands *commands
	debug    *debuggers

	round    int
	deployed bool
	// prepared are the objects of the manifests as they were rendered and checked last.
	prepared []*unstructured.Unstructured
	// leaves is set when what is deployed stays once it runs.
	leaves bool
	// asked is what a person has asked for that the next round does, and restarted when pods were last to be replaced.
	asked     Command
	restarted string
	// following ends the look at the round before.
	following context.CancelFunc
	// ended ends the loop for a reason.
	ended context.CancelCauseFunc
	tasks tasks
}

// Run runs a loop until ctx ends, and removes what it has made.
func Run(ctx context.Context, o Options) error {
	running, end := context.WithCancelCause(ctx)
	defer end(nil)
	defer mute()
	o.end = end
	l, err := open(running, o)
	if err != nil {
		return err
	}
	l.tasks.guard(func() { l.run(running) })
	if cause := context.Cause(running); ctx.Err() == nil && cause != nil {
		err = cause
	}
	return errors.Join(err, l.close(ctx))
}

// open makes a loop that watches its files.
func open(ctx context.Context, o Options) (*loop, error) {
	l, err := connect(ctx, o)
	if err != nil {
		return nil, err
	}
	if l.watcher, err = watch(o.Root, leaveOut, l.note); err != nil {
		return nil, errors.Join(err, l.close(ctx))
	}
	return l, nil
}

// connect reads the project and takes the namespace, or the objects of an Application.
func connect(ctx context.Context, o Options) (*loop, error) {
	l := &loop{Options: o, reporter: newReporter(o.Report), ended: func(error) {}, sameAs: map[string]string{}}
	if o.end != nil {
		l.ended, l.tasks.end = o.end, o.end
	}
	listen(where(&o), l.note)
	l.builds, l.commands = newBuilds(l.reporter, &l.Options), &commands{}
	l.builds.commands = l.commands
	l.hooks = &hooks{reporter: l.reporter, root: o.Root, context: o.Context, commands: l.commands}
	l.builds.make = l.builds.tested(l.hooks.around(l.builds.make))
	l.rollouts = &rollouts{note: l.note}
	if o.Rollouts != nil && o.InPlace == nil {
		l.rollouts.run = func(ctx context.Context, ready func()) error {
			return o.Rollouts(ctx, l.claim.namespace, l.claim.loop, ready)
		}
	}
	root, err := os.OpenRoot(o.Root)
	if err != nil {
		return nil, &problem.Error{Kind: problem.Usage, Object: "folder " + o.Root, Cause: err.Error(), Err: err}
	}
	l.manifests = newManifests(root.FS())
	if err := l.read(root.FS()); err != nil {
		return nil, err
	}
	if l.reader, err = live.NewReader(o.Config); err != nil {
		return nil, err
	}
	// What is watched and streamed has no end.
	config := rest.CopyConfig(o.Config)
	config.QPS, config.Timeout = -1, 0
	if l.clients, err = kubernetes.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	connection, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	if _, err := l.reader.Kinds(ctx, nil); err != nil {
		return nil, unreached(&o, err)
	}
	if o.InPlace != nil {
		err = takeApplication(ctx, l, connection)
	} else {
		err = l.takeNamespace(ctx)
	}
	if err != nil {
		return nil, err
	}
	if l.scene, err = newScene(ctx, l.clients, connection, l.reader, l.claim.namespace, l.tasks.guard); err != nil {
		return nil, errors.Join(err, l.close(ctx))
	}
	l.scene.isAtRest = l.manner.isAtRest
	l.forwards = &forwards{reporter: l.reporter, scene: l.scene, tunnels: newTunnels(config, l.clients), mode: o.Forward, own: l.claim.own, begun: map[string]bool{}}
	l.debug = &debuggers{forwards: l.forwards, options: &l.Options, builds: l.builds, begun: map[string]bool{}}
	l.syncer = newSyncer(l.reporter, l.scene, config, o.Root)
	l.hooks.scene, l.hooks.syncer = l.scene, l.syncer
	l.logs = newLogs(l.reporter, l.scene, o.Logs)
	l.logs.begins(l.project.Deploy.LogPrefix)
	if !l.claim.own {
		l.scene.scope.Store(&scope{})
	}
	return l, nil
}

// read reads the project. Artifacts that are as they were keep what is known of them. Where it cannot be read, the one
// before goes on, until a file of either changes.
func (l *loop) read(tree fs.FS) error {
	project, err := l.Read(tree)
	if err != nil {
		l.unread = project.Files
		return err
	}
	l.project, l.unread = project, nil
	if l.logs != nil {
		l.logs.begins(project.Deploy.LogPrefix)
	}
	l.builds.take(project.Artifacts)
	return nil
}

func (l *loop) takeNamespace(ctx context.Context) error {
	at, err := placeOf(&l.Options, l.project, l.manifests)
	if err != nil {
		return err
	}
	l.claim = &claim{
		namespaceLease: namespaceLease{clients: l.clients, namespace: at.namespace, name: at.lease, loop: at.loop, holder: holderName(l.User), end: func(err error) { l.ended(err) }},
		own:            at.own, makes: at.makes, say: l.note,
		note: RunNote{
			Host: l.Config.Host, Context: l.Context, Namespace: at.namespace, Loop: at.loop, Own: at.own, PID: os.Getpid(), Started: time.Now(), Holder: holderName(l.User), path: notePath(&l.Options, at.loop),
		},
	}
	if at.own {
		l.claim.loses()
	}
	if err := l.claim.take(ctx, l.Root); err != nil {
		return err
	}
	ownName := ""
	if at.own {
		ownName = at.namespace
	}
	l.manner = asOwn{reader: l.reader, loop: at.loop, own: ownName, still: l.claim.check}
	l.applier = newApplier(l.reader, l.manner, l.claim.note.Made)
	l.applier.left = l.left
	l.report(Event{Kind: Began, Text: fmt.Sprintf("%s in namespace %s of %s", l.project.Name, at.namespace, where(&l.Options))})
	return nil
}

// unreached is the error of a cluster that has not said what it serves.
func unreached(o *Options, err error) error {
	cause := err.Error()
	if dialed := (*url.Error)(nil); errors.As(err, &dialed) {
		cause = "does not answer: " + dialed.Err.Error()
	}
	return &problem.Error{
		Kind: problem.Unreachable, Object: "cluster " + where(o), Cause: cause, Remedy: "see whether it runs (`cyan local status` for one of Cyan's own), or choose another context", Err: err,
	}
}

// where names the cluster.
func where(o *Options) string { return cmp.Or(o.Context, o.Config.Host) }

// notePath is where the note of a loop is, by what it works on.
func notePath(o *Options, on string) string {
	return filepath.Join(o.Notes, strings.NewReplacer("://", "_", "/", "_", ":", "_").Replace(o.Config.Host+"_"+on)+".json")
}

// run carries rounds out until ctx ends.
func (l *loop) run(ctx context.Context) {
	l.tasks.Go(func() { l.watcher.run(ctx) })
	keep := l.claim.keep
	if l.held != nil {
		keep = l.held.keep
	}
	l.tasks.Go(func() { keep(ctx, func(err error) { l.note("the hold cannot be renewed: " + err.Error()) }) })
	l.logs.begin(ctx, &l.tasks)
	l.syncer.begin(ctx, &l.tasks)
	var changes []decide.Change
	since := time.Now()
	for {
		l.turn(ctx, changes, since)
		if ctx.Err() != nil {
			return
		}
		changes = nil
		select {
		case <-ctx.Done():
			return
		case <-l.watcher.some:
			changes, since = l.watcher.take()
		case <-l.again():
			since = time.Now()
		case <-l.syncer.some:
			since = time.Now()
			instead(l.builds, l.syncer.refused())
		case <-l.held.returned():
			since = time.Now()
			retake(ctx, l)
		case <-l.claim.lost:
			since = time.Now()
			remake(ctx, l)
		case command := <-l.Commands:
			since = time.Now()
			l.obey(command)
		}
	}
}

// obey prepares the next round for what a person has asked for.
func (l *loop) obey(command Command) {
	l.deployed, l.asked = false, command
	l.applier.forget()
	switch command {
	case Rebuild:
		l.builds.forget()
	case Restart:
		l.restarted = time.Now().UTC().Format(time.RFC3339)
	}
}

// turn decides what changes ask for, and does it.
func (l *loop) turn(ctx context.Context, changes []decide.Change, since time.Time) {
	work := judged(l, changes)
	if work.Reload {
		if err := l.read(l.manifests.tree); err != nil {
			l.report(Event{Kind: Refused, Round: l.round, Text: err.Error(), Err: err})
			return
		}
		l.deployed = false
		work = judged(l, nil)
	}
	if work.Nothing() {
		return
	}
	l.round++
	l.report(Event{Kind: Changed, Round: l.round, Text: cmp.Or(describeChanges(changes), string(l.asked))})
	l.asked = ""
	if l.carryOut(ctx, work, since); ctx.Err() == nil {
		l.report(Event{Kind: Idle, Round: l.round})
	}
}

// observe returns what is decided by.
func (l *loop) observe() (decide.Project, decide.Running) {
	artifacts, states := l.builds.decided()
	return decide.Project{
		Artifacts: artifacts, Definition: slices.Concat(l.project.Files, l.unread), Reloads: l.commands.read, Manifests: l.manifests.read, Prepared: l.manifests.prepared, Commands: l.commands.known(), Again: l.commands.deployed,
	}, decide.Running{Images: states, Deployed: l.deployed}
}

// describeChanges names files that have changed, as far as a line has room.
func describeChanges(changes []decide.Change) string {
	names := make([]string, 0, len(changes))
	for _, c := range changes {
		names = append(names, c.Path)
	}
	return describeFiles(names)
}

// carryOut is a round: copy files, render and check, build, apply, follow.
func (l *loop) carryOut(ctx context.Context, work decide.Work, since time.Time) {
	all, err := l.hooks.copied(ctx, l.project.Artifacts, work.Sync, func() []refusal { return l.syncer.sync(ctx, l.round, work.Sync, since) })
	if err != nil && ctx.Err() == nil {
		l.failed(Event{Kind: SyncFailed, Round: l.round, Text: err.Error(), Took: time.Since(since), Err: err})
	}
	for _, refused := range all {
		work.Build = append(work.Build, l.builds.refused(refused)...)
	}
	if len(work.Build) == 0 && !work.Deploy {
		return
	}
	objects, err := l.objects(ctx, work)
	if err != nil {
		l.builds.postpone(work.Build)
		l.refuse(err)
		return
	}
	other, err := l.hooks.between(ctx, l.project.Hooks, work.Build, func() bool { return l.builds.build(ctx, l.round, since, work) })
	if err != nil {
		l.refuse(err)
		return
	}
	// What has no image yet cannot be deployed.
	refs, complete := l.builds.refs()
	if ctx.Err() != nil || !complete {
		return
	}
	list := l.builds.listing(work)
	if !work.Deploys(decide.Running{Deployed: l.deployed}, other) {
		l.syncer.deployed(refs)
		l.tasks.Go(func() { list(ctx) })
		return
	}
	l.deploy(ctx, objects, refs, since, list)
}

// objects returns those of the manifests, rendered and checked. What was deployed, and of which nothing has changed, is
// not rendered again.
func (l *loop) objects(ctx context.Context, work decide.Work) ([]*unstructured.Unstructured, error) {
	if work.Deploy || !l.deployed || l.prepared == nil {
		var err error
		if l.prepared, err = l.prepare(ctx); err != nil {
			return nil, err
		}
	}
	all := make([]*unstructured.Unstructured, len(l.prepared))
	for i, object := range l.prepared {
		all[i] = object.DeepCopy()
	}
	return all, nil
}

func (l *loop) refuse(err error) {
	l.deployed = false
	l.failed(Event{Kind: Refused, Round: l.round, Text: err.Error(), Err: err})
}

// deploy applies the objects with their images, and follows what becomes of them. then is called behind that, unless
// another deployment has come: what can wait takes no time from pods that start.
func (l *loop) deploy(ctx context.Context, objects []*unstructured.Unstructured, refs map[string]string, since time.Time, then func(context.Context)) {
	if l.following != nil {
		l.following()
	}
	start := time.Now()
	refs = withLive(ctx, l, objects, refs)
	desired.SetImages(objects, refs)
	if !l.claim.own {
		l.scene.narrow(objects)
	}
	desired.Restart(objects, l.restarted)
	l.debug.change(objects)
	l.rollouts.await(ctx)
	var changed []changedObject
	err := l.hooks.run(ctx, l.project.Deploy.Hooks.Before, "", nil)
	if err == nil {
		changed, err = l.applier.apply(ctx, objects, l.noteMade)
	}
	if ctx.Err() != nil {
		return
	}
	if l.deployed = err == nil; err != nil {
		l.claim.heard(err)
		l.failed(Event{Kind: DeployFailed, Round: l.round, Text: err.Error(), Took: time.Since(start), Err: err})
		return
	}
	l.syncer.deployed(refs)
	l.report(Event{Kind: Deployed, Round: l.round, Text: describeObjects(changed), Took: time.Since(start), Total: time.Since(since)})
	l.forwards.update(ctx, &l.tasks, forwarded(l, objects))
	l.debug.forward(ctx, &l.tasks)
	following, end := context.WithCancel(ctx)
	l.following = end
	round, current := l.round, currentPods(refs)
	generations := map[apply.Ref]int64{}
	for _, c := range changed {
		generations[c.ref] = c.generation
	}
	l.tasks.Go(func() {
		l.follow(following, round, objects, generations, current, since)
		if following.Err() == nil {
			then(following)
		}
	})
}

// noteMade keeps what the loop has made beside what goes with its own namespace.
func (l *loop) noteMade(all []Made) error {
	all = slices.DeleteFunc(all, func(m Made) bool { return l.claim.own && m.Namespace == l.claim.namespace })
	if slices.Equal(all, l.claim.note.Made) {
		return nil
	}
	l.claim.note.Made = all
	return l.claim.note.write()
}

func describeObjects(changed []changedObject) string {
	names := make([]string, 0, len(changed))
	for _, c := range changed {
		names = append(names, c.ref.Kind.Kind+" "+c.ref.Name)
	}
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return "nothing to change"
	case len(names) > 4:
		return fmt.Sprintf("%d objects", len(names))
	}
	return strings.Join(names, ", ")
}

// currentPods reports of a pod whether its images are those that are deployed now.
func currentPods(refs map[string]string) func(*corev1.Pod) bool {
	now := map[string]string{}
	for _, ref := range refs {
		now[desired.Name(ref)] = ref
	}
	return func(pod *corev1.Pod) bool {
		for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			if ref, built := now[desired.Name(c.Image)]; built && ref != c.Image {
				return false
			}
		}
		return true
	}
}
