package skaffold

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/devloop"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// builder are the flags by which images are built.
type builder struct {
	project
	defaultRepo, tag, platform string
	// registry is that of the cluster, where images are pushed when nothing else says where.
	registry           string
	insecureRegistries []string
	skipTests          bool
	only               []string
	push               bool
	pushGiven          func() bool
	show               bool
}

func (b *builder) bind(flags *pflag.FlagSet) {
	b.project.bind(flags)
	b.consent.Bind(flags)
	flags.StringVarP(&b.defaultRepo, "default-repo", "d", "", "HOST/PATH below which images are pushed, rather than by their names")
	flags.StringVarP(&b.tag, "tag", "t", "", "the tag of all images, whatever the tagPolicy")
	flags.StringVar(&b.platform, "platform", "", "os/arch (default: that of the file, or linux on this machine's processor)")
	flags.BoolVar(&b.skipTests, "skip-tests", false, "do not run the tests of images")
	flags.StringSliceVar(&b.insecureRegistries, "insecure-registry", nil, "registries that are spoken to over plain HTTP")
}

// idleBuild accepts flags that mean nothing where images are built as they are here.
func (b *builder) idleBuild(cmd *cobra.Command) {
	b.Idle(cmd, "images that do not depend on each other may be built at once", "build-concurrency=")
	b.Idle(cmd, "layers are cached by the builder", "cache-artifacts", "cache-file=", "remote-cache-dir=", "sync-remote-cache=")
	b.Idle(cmd, "one platform is built", "check-cluster-node-platforms", "disable-multi-platform-build", "enable-platform-node-affinity", "detect-minikube")
	b.Idle(cmd, "what is built is not deployed", "status-check")
	b.Idle(cmd, "no cluster is asked for what it needs to build", "n,namespace=", "l,label=")
	b.Idle(cmd, "no cluster of minikube is looked for", "minikube-profile=")
	b.Idle(cmd, "events are served to nobody", "rpc-port=", "rpc-http-port=", "enable-rpc", "event-log-file=", "toot", "mute-logs=", "build-debug")
}

// all builds the images that were asked for and those that they depend on, in their order.
func (b *builder) all(ctx context.Context, p skaffold.Project, dryRun bool) (Builds, error) {
	builds := Builds{Builds: []Build{}}
	wanted, err := b.wanted(p.Artifacts)
	if err != nil {
		return builds, err
	}
	if !dryRun {
		if err := b.runHooks(ctx, p.Hooks.Before, nil); err != nil {
			return builds, err
		}
	}
	done := map[string]string{}
	now := time.Now()
	for _, a := range wanted {
		request, err := b.request(ctx, a, done, now)
		if err != nil {
			return builds, err
		}
		ref := request.Repository + ":" + request.Tag
		if !dryRun {
			if ref, err = b.one(ctx, a, request, done); err != nil {
				return builds, err
			}
		}
		done[a.Image] = ref
		builds.Builds = append(builds.Builds, Build{a.Image, ref})
	}
	if dryRun {
		return builds, nil
	}
	return builds, b.runHooks(ctx, p.Hooks.After, nil)
}

// runHooks runs commands of the file on this machine.
func (b *builder) runHooks(ctx context.Context, all []skaffold.Hook, env map[string]string) error {
	for _, hook := range all {
		if !hook.RunsOn(runtime.GOOS) {
			continue
		}
		b.Note("runs %s (%s:%d)", skaffold.Shortened(strings.Join(hook.Command, " ")), hook.Position.File, hook.Position.Line)
		if err := devloop.RunHook(ctx, b.root, hook, env, func(line string) { b.Note("  %s", line) }); err != nil {
			return err
		}
	}
	return nil
}

// wanted returns the images with one of the given parts in their names, and those that they depend on.
func (b *builder) wanted(all []skaffold.Artifact) ([]skaffold.Artifact, error) {
	if len(b.only) == 0 {
		return all, nil
	}
	needed := map[string]bool{}
	for _, a := range slices.Backward(all) {
		if needed[a.Image] || slices.ContainsFunc(b.only, func(part string) bool { return strings.Contains(a.Image, part) }) {
			needed[a.Image] = true
			for _, d := range a.DependsOn {
				needed[d.Image] = true
			}
		}
	}
	names := make([]string, 0, len(all))
	for _, a := range all {
		names = append(names, a.Image)
	}
	if len(needed) == 0 {
		return nil, kit.Usage("--build-image", "no image has "+strings.Join(b.only, " or ")+" in its name", "choose among "+strings.Join(names, ", "))
	}
	return slices.DeleteFunc(slices.Clone(all), func(a skaffold.Artifact) bool { return !needed[a.Image] }), nil
}

// request is what is built of an artifact.
func (b *builder) request(ctx context.Context, a skaffold.Artifact, done map[string]string, now time.Time) (image.Request, error) {
	name, tag := bare(a.Image), b.tagOf(ctx, a, now)
	if !skaffold.IsTag(tag) {
		return image.Request{}, kit.Usage("image "+a.Image, fmt.Sprintf("invalid tag %q", tag), "give one of letters, digits, _, . and -, at most 128")
	}
	r := image.Request{
		Repository: b.repositoryOf(name), Tag: tag, Platform: b.platform, Keep: b.keeps(a), Created: time.Unix(0, 0), Registries: b.registries(),
	}
	if b.show {
		r.Output = b.Err
	}
	err := devloop.Describe(&r, b.root, a, done)
	return r, err
}

// tagOf returns the tag of an image: that of the flag, else that of its name, else what its policy makes.
func (b *builder) tagOf(ctx context.Context, a skaffold.Artifact, now time.Time) string {
	if b.tag != "" {
		return b.tag
	}
	if tag := strings.TrimPrefix(a.Image[len(bare(a.Image)):], ":"); tag != "" {
		return tag
	}
	made, err := a.Tagger.Tag(facts(ctx, b.root, b.tree, a, now))
	if err != nil {
		warning := fmt.Sprintf("image %s: %v; its tag is latest", a.Image, err)
		if !b.noted[warning] {
			b.Note("warning: %s", warning)
			kit.PutTrue(&b.noted, warning)
		}
		return "latest"
	}
	return made
}

// repositoryOf returns where an image is pushed.
func (b *builder) repositoryOf(name string) string {
	if b.defaultRepo == "" && b.registry != "" {
		return skaffold.InRegistry(b.registry, name)
	}
	return skaffold.Repository(b.defaultRepo, name)
}

// findRegistry decides where images are pushed: where a flag or the user's settings say, else to the registry of the
// cluster, else by their names.
func (b *builder) findRegistry(ctx context.Context, config func() (*rest.Config, error)) error {
	if b.defaultRepo != "" {
		return nil
	}
	settings, err := readSettings(b.settings)
	if err != nil {
		return err
	}
	if b.defaultRepo = settings.defaultRepo(b.Kube.ContextName()); b.defaultRepo != "" {
		return nil
	}
	switch config, err := config(); {
	case err == nil:
		b.registry, _ = devloop.RegistryOf(ctx, config)
	case !errors.Is(err, errNoCluster) && !kit.IsNoCluster(err):
		// What is only built needs no cluster, but one that is named and not there is a mistake.
		return err
	}
	return nil
}

// registries are how registries are spoken to.
func (b *builder) registries() image.Registries {
	return image.Registries{InsecureHosts: b.insecureRegistries}
}

// noCluster is for what asks no cluster.
func noCluster() (*rest.Config, error) { return nil, errNoCluster }

var errNoCluster = errors.New("no cluster is asked")

// keepsAll reports whether a flag has all images stay where they are built.
func (b *builder) keepsAll() bool { return b.pushGiven != nil && b.pushGiven() && !b.push }

// keeps reports whether an image stays where it is built.
func (b *builder) keeps(a skaffold.Artifact) bool {
	if b.pushGiven != nil && b.pushGiven() {
		return !b.push
	}
	return a.Unpushed && b.defaultRepo == "" && b.registry == ""
}

// one builds an image and returns its reference.
func (b *builder) one(ctx context.Context, a skaffold.Artifact, r image.Request, done map[string]string) (string, error) {
	env := devloop.BuildEnvironment(b.root, a, r.Repository, r.Tag)
	if err := b.runHooks(ctx, a.Hooks.Before, env); err != nil {
		return "", err
	}
	if a.Custom != nil {
		built, err := devloop.BuildCustom(ctx, r, b.root, a, done, func(line string) { b.Note("  %s", line) })
		if err != nil {
			return "", err
		}
		return b.judged(ctx, a, reference(built, r), env)
	}
	plan, err := image.Prepare(ctx, r)
	if err != nil {
		return "", fmt.Errorf("building %s: %w", a.Image, err)
	}
	if b.show {
		b.Note("building %s with %s: %s", a.Image, plan.Builder, plan.Reason)
	}
	built, err := plan.Build(ctx)
	if err != nil {
		return "", fmt.Errorf("building %s: %w", a.Image, err)
	}
	return b.judged(ctx, a, reference(built, r), env)
}

// judged runs the commands behind the build of an image, and then its tests.
func (b *builder) judged(ctx context.Context, a skaffold.Artifact, ref string, env map[string]string) (string, error) {
	if err := b.runHooks(ctx, a.Hooks.After, env); err != nil {
		return "", err
	}
	if b.skipTests {
		return ref, nil
	}
	return ref, devloop.TestImage(ctx, b.root, a, ref, func(line string) { b.Note("  %s", line) })
}

// reference is what an image is deployed by.
func reference(built image.Built, r image.Request) string {
	ref := built.Repository + ":" + built.Tag
	if built.Digest != "" && !r.Keep {
		ref += "@" + built.Digest
	}
	return ref
}
