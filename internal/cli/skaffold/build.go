package skaffold

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// Build is an image that was built, as the skaffold program writes it to files.
type Build struct {
	Image string `json:"imageName"`
	// Tag is the whole reference: repository:tag, and the digest where it is known.
	Tag string `json:"tag"`
}

// Builds are those of a file.
type Builds struct {
	Builds []Build `json:"builds"`
}

// builder are the flags by which images are built.
type builder struct {
	project
	defaultRepo, tag, platform string
	insecureRegistries         []string
	only                       []string
	push                       bool
	pushGiven                  func() bool
	show                       bool
}

func (b *builder) bind(flags *pflag.FlagSet) {
	b.project.bind(flags)
	flags.StringVarP(&b.defaultRepo, "default-repo", "d", "", "HOST/PATH below which images are pushed, rather than by their names")
	flags.StringVarP(&b.tag, "tag", "t", "", "the tag of all images, whatever the tagPolicy")
	flags.StringVar(&b.platform, "platform", "", "os/arch (default: that of the file, or linux on this machine's processor)")
	flags.StringSliceVar(&b.insecureRegistries, "insecure-registry", nil, "registries that are spoken to over plain HTTP")
}

// build is `skaffold build`: its flags.
type build struct {
	builder
	fileOutput, output string
	quiet, dryRun      bool
}

func newBuild(e *kit.Env) *cobra.Command {
	c := &build{builder: builder{project: project{Env: e}}}
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Build the images of a skaffold.yaml, and push them",
		Long: `Build the images of a skaffold.yaml, those that others depend on first, and push them by their names or below --default-repo.

A Go program whose Dockerfile runs nothing but go build is built in this process; anything else by the first of BuildKit, Docker, podman, buildah and nerdctl
that answers.`,
		Example: `  skaffold build -f k8s/skaffold.yml -p local -d localhost:5000
  skaffold build -d registry.example/team --file-output builds.json
  skaffold build -q -o json --dry-run`,
		Args:              kit.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	c.bind(flags)
	flags.BoolVar(&c.push, "push", true, "push the images (default: unless build.local.push is false and no --default-repo is given)")
	c.pushGiven = func() bool { return flags.Changed("push") }
	flags.StringSliceVarP(&c.only, "build-image", "b", nil, "build only images with this in their name; may be repeated")
	flags.StringVar(&c.fileOutput, "file-output", "", "write the images to this file, for `skaffold render -a`")
	flags.StringVarP(&c.output, "output", "o", "", "print the images: json, or a template such as '{{json .}}'")
	flags.BoolVarP(&c.quiet, "quiet", "q", false, "print the output alone")
	flags.BoolVar(&c.dryRun, "dry-run", false, "print what would be built")
	c.idleBuild(cmd)
	return cmd
}

// idleBuild accepts flags that mean nothing where images are built as they are here.
func (b *builder) idleBuild(cmd *cobra.Command) {
	b.Idle(cmd, "images that do not depend on each other may be built at once", "build-concurrency=")
	b.Idle(cmd, "layers are cached by the builder", "cache-artifacts", "cache-file=", "remote-cache-dir=", "sync-remote-cache=")
	b.Idle(cmd, "one platform is built", "check-cluster-node-platforms", "disable-multi-platform-build", "enable-platform-node-affinity", "detect-minikube")
	b.Idle(cmd, "tests are not run", "skip-tests", "status-check")
	b.Idle(cmd, "events are served to nobody", "rpc-port=", "rpc-http-port=", "enable-rpc", "event-log-file=", "toot", "mute-logs=", "build-debug")
}

func (c *build) run(ctx context.Context) error {
	format, err := formatOf(c.output)
	if err != nil {
		return err
	}
	p, err := c.sound("build")
	if err != nil {
		return err
	}
	c.show = !c.quiet
	builds, err := c.all(ctx, p, c.dryRun)
	if err != nil {
		return err
	}
	data, err := json.Marshal(builds)
	if err != nil {
		return fmt.Errorf("writing the images: %w", err)
	}
	if c.fileOutput != "" && !c.dryRun {
		if err := os.WriteFile(c.fileOutput, data, 0o644); err != nil {
			return &problem.Error{Kind: problem.Refused, Object: "--file-output " + c.fileOutput, Cause: err.Error(), Err: err}
		}
	}
	if format != nil {
		var out bytes.Buffer
		if err := format.Execute(&out, builds); err != nil {
			return kit.Usage("--output", err.Error(), "write a template over .Builds, each with .Image and .Tag, or json")
		}
		return c.Data(strings.TrimSuffix(out.String(), "\n") + "\n")
	}
	if c.quiet {
		return nil
	}
	var lines []string
	for _, b := range builds.Builds {
		lines = append(lines, b.Image+" -> "+b.Tag)
	}
	return c.SayAll(lines)
}

// formatOf returns the template of an output; nil for none.
func formatOf(output string) (*template.Template, error) {
	if output == "" {
		return nil, nil
	}
	if output == "json" {
		output = "{{json .}}"
	}
	t, err := template.New("output").Funcs(template.FuncMap{"json": func(v any) (string, error) {
		data, err := json.Marshal(v)
		return string(data), err
	}}).Parse(output)
	if err != nil {
		return nil, kit.Usage("--output", err.Error(), "write json, or a template such as '{{json .}}'")
	}
	return t, nil
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
	name, tag, _ := strings.Cut(path.Base(a.Image), ":")
	name = path.Join(path.Dir(a.Image), name)
	if b.tag != "" {
		tag = b.tag
	}
	if tag == "" {
		made, err := a.Tagger.Tag(facts(ctx, b.root, b.tree, a, now))
		if err != nil {
			b.Note("warning: image %s: %v; its tag is latest", a.Image, err)
			made = "latest"
		}
		tag = made
	}
	r := image.Request{
		Root: b.root, Dir: filepath.Join(b.root, filepath.FromSlash(a.Context)), Repository: skaffold.Repository(b.defaultRepo, name), Tag: tag, Platform: b.platform,
		Keep: b.keeps(a), Created: time.Unix(0, 0), Registries: image.Registries{Insecure: len(b.insecureRegistries) > 0},
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

// keeps reports whether an image stays where it is built.
func (b *builder) keeps(a skaffold.Artifact) bool {
	if b.pushGiven != nil && b.pushGiven() {
		return !b.push
	}
	return a.Unpushed && b.defaultRepo == ""
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
