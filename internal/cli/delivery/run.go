package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/manifests"
	"github.com/cyan-cd/cyan/internal/deliver"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/source"
)

// keepMirrors is how long the mirror of a repository stays that is not delivered any more.
const keepMirrors = 30 * 24 * time.Hour

// run is `cyan delivery run`: its flags.
type run struct {
	deliver.Options
	env              *kit.Env
	configRepo       string
	author, output   string
	mirrors          string
	registryMirrors  []string
	insecureRegistry bool
	verbose          bool
	schemas          manifests.Schemas
}

func newRun(e *kit.Env) *cobra.Command {
	f := run{env: e}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Build a commit, set its image in an overlay, check that, and commit it back",
		Long: `Build a commit's image and push it, set its digest in the overlay's kustomization (that line alone), render and check the overlay, commit and push.

The image's tag is the commit's SHA. Any number of runs may be under way at once: each sets its image on whatever the branch's tip is by then, those of older
commits first; a run that a newer commit has overtaken stops. Commits that Cyan made start nothing.

Without --push everything is built and checked, and nothing leaves this machine: neither the image nor the commit.

A Go main package is built here, without Docker, and so is a Dockerfile that runs nothing but go build, if that comes to the same program. Any other
Dockerfile is built by the first of BuildKit, Docker, podman, buildah and nerdctl that answers.
Where a cluster can be reached, it is asked whether it would take the objects.

Progress goes to stderr, the result to stdout. The program ends with 0 when the commit was delivered, when there was nothing to do and when a newer one has
overtaken it; with 130 when it was interrupted; with 2 when it was called wrongly; with 11 when a host or a cluster that was named does not answer; with 13 when something is
not there; with 20 when it is refused; else with 1. Unless it ends with 0, nothing was committed.`,
		Example: `  cyan delivery run --repo . --image registry.example/shop --overlay k8s/overlays/production --push
  cyan delivery run --image app=registry.example/shop --package ./cmd/shop --overlay k8s/overlays/production   # a rehearsal
  cyan delivery run --image registry.example/shop --overlay shop/production --config-repo https://git.example/deploy --push
  cyan delivery run --repo https://git.example/shop --revision main --image registry.example/shop --overlay k8s/overlays/production --push -o json`,
		Args:              kit.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return f.deliver(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Repo, "repo", ".", "what is built: the folder of a git checkout, or a repository's URL")
	flags.StringVar(&f.Revision, "revision", "", "what is built of it: a branch, a tag or a SHA (default: what is checked out; of a URL, its default branch)")
	flags.StringVar(&f.Context, "dir", "", "folder in the checkout that is built (default: all of it)")
	flags.StringVar(&f.Image, "image", "", "where the image goes, HOST/PATH; or NAME=HOST/PATH where the manifests call it NAME")
	flags.StringVar(&f.Overlay, "overlay", "", "folder of the kustomization that gets the image, from the top of the repository")
	flags.StringVar(&f.configRepo, "config-repo", "", "URL of the repository that is committed to (default: --repo itself, or its origin)")
	flags.StringVar(&f.Branch, "branch", "", "branch that is committed to (default: the one that is built, or main)")
	flags.BoolVar(&f.Push, "push", false, "push the image and the commit")
	flags.StringVar(&f.Package, "package", "", "Go main package to build, such as ./cmd/shop")
	flags.StringVar(&f.Dockerfile, "dockerfile", "", "Dockerfile to build (default: Dockerfile, if it is there)")
	flags.StringToStringVar(&f.BuildArgs, "build-arg", nil, "NAME=VALUE for the Dockerfile; may be repeated")
	flags.StringVar(&f.Platform, "platform", "", "os/arch (default: linux on this machine's processor)")
	flags.StringVar(&f.Builder, "builder", "", "go, buildkit, docker, podman, buildah or nerdctl (default: the first that can do it)")
	flags.StringSliceVar(&f.registryMirrors, "registry-mirror", nil, "HOST:PORT of a registry that is asked first for base images, whatever their name")
	flags.BoolVar(&f.insecureRegistry, "insecure-registry", false, "speak plain HTTP to registries that are not on this machine")
	flags.StringVarP(&f.Namespace, "namespace", "n", "", "namespace of objects that name none, when the cluster is asked (default: default)")
	flags.BoolVar(&f.RequireClean, "require-clean", false, "fail if the working copy has changes that are not committed, or no remote has the commit")
	flags.BoolVar(&f.ClusterNeeded, "require-cluster", false, "fail if the cluster cannot be asked")
	f.schemas.AddTo(flags)
	flags.StringVar(&f.author, "author", "", "who commits, as 'NAME <MAIL>' (default: Cyan)")
	flags.StringVar(&f.mirrors, "mirror-dir", "", "where repositories are mirrored; runs that share it keep the order of their commits (default: $XDG_CACHE_HOME/cyan/delivery); those that no run has used for 30 days are removed")
	flags.StringVarP(&f.output, "output", "o", "", "output format: json")
	flags.BoolVar(&f.verbose, "show-build", false, "show what compilers and builders print")
	_ = cmd.MarkFlagRequired("image")
	_ = cmd.MarkFlagRequired("overlay")
	return cmd
}

func (f *run) deliver(cmd *cobra.Command) error {
	if f.output != "" && f.output != "json" {
		return kit.Usage("--output", fmt.Sprintf("unknown format %q", f.output), "give json, or nothing")
	}
	if err := f.complete(); err != nil {
		return err
	}
	known, err := f.schemas.Known(f.Namespace)
	if err != nil {
		return err
	}
	f.Known = known
	if f.Keys, err = manifests.Keys(); err != nil {
		return err
	}
	mirrors, err := source.Open(f.mirrors, source.Options{OwnConfiguration: true, LocalDirectories: []string{"/"}, KeepUnused: keepMirrors})
	if err != nil {
		return err
	}
	defer mirrors.Close()
	f.Mirrors = mirrors
	if f.verbose {
		f.Output = cmd.ErrOrStderr()
	}
	show := newProgress(cmd.ErrOrStderr())
	result, err := deliver.Run(cmd.Context(), f.Options, show.see)
	show.close()
	if _, unclean := mirrors.Clean(cmd.Context(), time.Now()); unclean != nil && cmd.Context().Err() == nil {
		f.env.Note("mirrors of repositories that are not delivered any more cannot be removed: %v", unclean)
	}
	return f.report(cmd, result, err)
}

// report prints how a run went, and returns why it has failed.
func (f *run) report(cmd *cobra.Command, result deliver.Result, err error) error {
	if f.output == "json" {
		if printed := printResult(cmd.OutOrStdout(), result, err); printed != nil && err == nil {
			return printed
		}
	}
	for _, warning := range result.Warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "Warning: "+warning)
	}
	switch {
	case errors.Is(err, context.Canceled) && cmd.Context().Err() != nil:
		return cmd.Context().Err()
	case errors.Is(err, source.ErrUncertain):
		return err
	case err != nil:
		return fmt.Errorf("%w%s\nNothing was committed", err, manifests.HintOfKinds(err.Error()))
	case f.output == "json":
		return nil
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), outcome(result))
	return err
}

// printResult prints all that a CI job may want to know, also when there was an error.
func printResult(out io.Writer, result deliver.Result, failure error) error {
	all := struct {
		deliver.Result
		Error string `json:"error,omitempty"`
	}{Result: result}
	if failure != nil {
		all.Error = failure.Error()
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(all)
}

// complete turns flags into options.
func (f *run) complete() error {
	f.ConfigRepo = source.Repository{URL: f.configRepo}
	f.Registries = image.Registries{Mirrors: f.registryMirrors, Insecure: f.insecureRegistry}
	if os, arch, ok := strings.Cut(f.Platform, "/"); f.Platform != "" && (!ok || os == "" || arch == "" || strings.ContainsAny(f.Platform, ", ")) {
		return kit.Usage("--platform", fmt.Sprintf("%q is not a single platform", f.Platform), "give one, as OS/ARCH such as linux/amd64; images of several platforms are not built")
	}
	if f.author != "" {
		author, err := personOf(f.author)
		if err != nil {
			return err
		}
		f.Author = author
	}
	if f.mirrors == "" {
		dir, err := mirrorDir()
		if err != nil {
			return kit.Usage("--mirror-dir", "not given, and this user has no cache directory: "+err.Error(), "name a directory with it")
		}
		f.mirrors = dir
	}
	config, err := f.env.Kube.Config()
	kubeconfig, contextName := f.env.Kube.Named()
	named := kubeconfig != "" || contextName != "" || f.ClusterNeeded
	if err != nil && (named || !kit.IsNoCluster(err)) {
		return err
	}
	f.Cluster = config
	return nil
}

// personOf reads who commits from the flag.
func personOf(author string) (source.Person, error) {
	name, mail, ok := strings.Cut(strings.TrimSuffix(author, ">"), "<")
	if !ok || strings.TrimSpace(name) == "" {
		return source.Person{}, kit.Usage("--author", fmt.Sprintf("%q is invalid", author), "write it as 'NAME <MAIL>'")
	}
	return source.Person{Name: strings.TrimSpace(name), Email: strings.TrimSpace(mail)}, nil
}

func outcome(r deliver.Result) string {
	var line string
	switch r.Verdict {
	case delivery.Commit:
		line = fmt.Sprintf("Delivered %.12s: %s set %s", r.Source, r.Landed, r.Image)
	case delivery.Stale:
		line = fmt.Sprintf("Stopped %.12s: %s", r.Source, r.Reason)
	default:
		line = fmt.Sprintf("Nothing to commit for %.12s: %s", r.Source, r.Reason)
	}
	if r.Checked != "" {
		line += "\nChecked " + r.Checked
	}
	return line
}
