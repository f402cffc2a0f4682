package skaffold

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/devloop"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// builder are the flags by which images are built.
type builder struct {
	project
	defaultRepo, tag, platform string
	// registry is that of the cluster, where images are pushed when nothing else says where.
	registry           string
	insecureRegistries []string
	only               []string
	push               bool
	pushGiven          func() bool
	show               bool
}

func (b *builder) bind(flags *pflag.FlagSet) {
	b.project.bind(flags)
	flags.StringVarP(&b.defaultRepo, "default-repo", "d", "", "HOST/PATH below which images are pushed, rather than by their names")
	flags.StringVarP(&b.tag, "tag", "t", "", "the tag of all images, whatever the tagPolicy")
	flags.StringVar(&b.platform, "platform", "", "os/arch (default: that of the file, or linux on this machine's processor)")
	flags.StringSliceVar(&b.insecureRegistries, "insecure-registry", nil, "registries that are spoken to over plain HTTP")
}

// idleBuild accepts flags that mean nothing where images are built as they are here.
func (b *builder) idleBuild(cmd *cobra.Command) {
	b.Idle(cmd, "images that do not depend on each other may be built at once", "build-concurrency=")
	b.Idle(cmd, "layers are cached by the builder", "cache-artifacts", "cache-file=", "remote-cache-dir=", "sync-remote-cache=")
	b.Idle(cmd, "one platform is built", "check-cluster-node-platforms", "disable-multi-platform-build", "enable-platform-node-affinity", "detect-minikube")
	b.Idle(cmd, "tests are not run", "skip-tests", "status-check")
	b.Idle(cmd, "events are served to nobody", "rpc-port=", "rpc-http-port=", "enable-rpc", "event-log-file=", "toot", "mute-logs=", "build-debug")
}

// all builds the images that were asked for and those that they depend on, in their order.
func (b *builder) all(ctx context.Context, p skaffold.Project, dryRun bool) (Builds, error) {
	builds := Builds{Builds: []Build{}}
	wanted, err := b.wanted(p.Artifacts)
	if err != nil {
		return builds, err
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
			if ref, err = b.one(ctx, a, request); err != nil {
				return builds, err
			}
		}
		done[a.Image] = ref
		builds.Builds = append(builds.Builds, Build{a.Image, ref})
	}
	return builds, nil
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
	r := image.Request{
		Root: b.root, Dir: filepath.Join(b.root, filepath.FromSlash(a.Context)), Repository: b.repositoryOf(name), Tag: tag, Platform: b.platform,
		Keep: b.keeps(a), Created: time.Unix(0, 0), Registries: b.registries(),
	}
	if r.Platform == "" && len(a.Platforms) > 0 {
		r.Platform = a.Platforms[0]
	}
	if b.show {
		r.Output = b.Err
	}
	if a.Go != nil {
		r.Dir, r.Package, r.Labels = filepath.Join(b.root, filepath.FromSlash(cmp.Or(a.Go.Dir, a.Context))), cmp.Or(a.Go.Main, "."), a.Go.Labels
		return r, nil
	}
	return r, ofDockerfile(&r, a, done)
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
		return b.registry + "/" + strings.ToLower(name)
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
	if config, err := config(); err == nil {
		b.registry = devloop.RegistryOf(ctx, config)
	}
	return nil
}

// registries are how registries are spoken to.
func (b *builder) registries() image.Registries {
	return image.Registries{Insecure: len(b.insecureRegistries) > 0}
}

// ofDockerfile has a request build a Dockerfile, with the images that it depends on as arguments.
func ofDockerfile(r *image.Request, a skaffold.Artifact, done map[string]string) error {
	file, err := filepath.Rel(filepath.FromSlash(a.Context), filepath.FromSlash(a.Docker.Dockerfile))
	if err != nil || !filepath.IsLocal(file) {
		return &problem.Error{
			Kind: problem.Usage, File: a.Position.File, Line: a.Position.Line, Object: "Dockerfile " + a.Docker.Dockerfile, Cause: "outside of the context " + a.Context, Remedy: "move it into the context",
		}
	}
	r.Dockerfile, r.Target, r.BuildArgs = file, a.Docker.Target, map[string]string{}
	for name, value := range a.Docker.BuildArgs {
		r.BuildArgs[name] = value
	}
	for _, d := range a.DependsOn {
		r.BuildArgs[d.Alias] = done[d.Image]
	}
	return nil
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
func (b *builder) one(ctx context.Context, a skaffold.Artifact, r image.Request) (string, error) {
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
	ref := built.Repository + ":" + built.Tag
	if built.Digest != "" && !r.Keep {
		ref += "@" + built.Digest
	}
	return ref, nil
}
