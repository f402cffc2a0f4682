package skaffold

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/manifests"
	"github.com/cyan-cd/cyan/internal/devloop"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/skaffold"
	"github.com/cyan-cd/cyan/internal/validate"
)

// renderer is `skaffold render`: its flags.
type renderer struct {
	builder
	given                      given
	digests, output, namespace string
	labels                     []string
	schemas                    manifests.Schemas
}

func newRender(e *kit.Env) *cobra.Command {
	c := &renderer{builder: builder{project: project{Env: e}}}
	cmd := &cobra.Command{
		Use:   "render",
		Short: "Print the manifests of a skaffold.yaml with the images that were built",
		Long: `Print the manifests of a skaffold.yaml, checked, with the images that were built: now, or before by skaffold build --file-output.

Without a file of images, --digest-source has where they come from: local builds them, remote asks the registry for the digest of their tags, tag takes the tags as they
are, and none leaves the manifests alone.`,
		Example: `  skaffold render -f k8s/skaffold.yml -p local -a builds.json
  skaffold render --digest-source none
  skaffold render --digest-source tag -t v2 -o all.yaml`,
		Args:              kit.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	c.bind(flags)
	c.given.bind(flags)
	flags.StringSliceVarP(&c.labels, "label", "l", nil, "KEY=VALUE that all objects and their pods get; may be repeated")
	flags.StringVar(&c.digests, "digest-source", "local", "local, remote, tag or none")
	flags.StringVarP(&c.output, "output", "o", "", "write to this file")
	flags.StringVarP(&c.namespace, "namespace", "n", "", "namespace of objects that name none")
	c.schemas.AddTo(flags)
	c.idleBuild(cmd)
	e.Idle(cmd, "no cluster is asked", "offline")
	e.Idle(cmd, "what builders print goes to stderr", "loud")
	e.Idle(cmd, "labels are added nowhere", "add-skaffold-labels")
	return cmd
}

func (c *renderer) run(ctx context.Context) error {
	p, err := c.sound("render")
	if err != nil {
		return err
	}
	// What is wrong with the manifests is known before anything is built.
	objects, err := c.objects(p)
	if err != nil {
		return err
	}
	refs, err := c.images(ctx, p)
	if err != nil {
		return err
	}
	all := make([]*unstructured.Unstructured, len(objects))
	for i := range objects {
		objects[i].Object = objects[i].Object.DeepCopy()
		all[i] = objects[i].Object
	}
	labels, err := pairsOf("--label", c.labels)
	if err != nil {
		return err
	}
	for _, object := range all {
		desired.AddLabels(object, labels)
	}
	desired.SetImages(all, refs)
	data, err := render.Encode(objects)
	if err != nil {
		return fmt.Errorf("encoding the manifests: %w", err)
	}
	if c.output == "" {
		return c.Show(string(data))
	}
	if err := os.WriteFile(c.output, data, 0o644); err != nil {
		return &problem.Error{Kind: problem.Refused, Object: "--output " + c.output, Cause: err.Error(), Err: err}
	}
	return nil
}

// objects renders the manifests, and checks them.
func (c *renderer) objects(p skaffold.Project) ([]render.Rendered, error) {
	keys, err := manifests.Keys()
	if err != nil {
		return nil, err
	}
	known, err := c.schemas.Known(c.namespace)
	if err != nil {
		return nil, err
	}
	for i := range p.Manifests.Kustomize {
		p.Manifests.Kustomize[i].Namespace = orElse(c.namespace, p.Manifests.Kustomize[i].Namespace)
	}
	for i := range p.Manifests.Raw {
		p.Manifests.Raw[i].Namespace = orElse(c.namespace, p.Manifests.Raw[i].Namespace)
	}
	objects, warnings, err := devloop.Render(c.tree, p, render.Options{Keys: keys})
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		c.Note("warning: %s", w)
	}
	return objects, manifests.Findings("manifests", validate.CheckIn(c.tree, objects, known))
}

// images returns what the manifests are to have, by the names of the images.
func (c *renderer) images(ctx context.Context, p skaffold.Project) (map[string]string, error) {
	if c.given.any() {
		return c.given.refs(p.Artifacts)
	}
	switch c.digests {
	case "none":
		return nil, nil
	case "", "local":
		c.show = true
		if err := c.findRegistry(ctx, c.Config); err != nil {
			return nil, err
		}
		builds, err := c.all(ctx, p, false)
		return refsOf(builds), err
	case "tag", "remote":
		if err := c.findRegistry(ctx, noCluster); err != nil {
			return nil, err
		}
		builds, err := c.all(ctx, p, true)
		if err != nil || c.digests == "tag" {
			return refsOf(builds), err
		}
		return c.resolved(ctx, builds)
	}
	return nil, kit.Usage("--digest-source", fmt.Sprintf("%q unknown", c.digests), "give local, remote, tag or none")
}

// resolved asks the registries for the digests of tags.
func (c *renderer) resolved(ctx context.Context, builds Builds) (map[string]string, error) {
	registries := c.registries()
	for i, b := range builds.Builds {
		digest, err := registries.Digest(ctx, b.Tag)
		if err != nil {
			return nil, &problem.Error{Kind: problem.Absent, Object: "image " + b.Tag, Cause: err.Error(), Remedy: "build and push it with `skaffold build`, or give --digest-source", Err: err}
		}
		builds.Builds[i].Tag += "@" + digest
	}
	return refsOf(builds), nil
}
