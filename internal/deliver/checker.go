package deliver

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/validate"
)

// trialsAtOnce bounds the dry runs under way.
const trialsAtOnce = 8

// checker judges objects: by the rules of Kubernetes, and by asking the cluster where there is one.
type checker struct {
	namespace string
	host      string
	needed    bool
	cluster   *live.Cluster
	end       context.CancelFunc
	// trouble is why the cluster cannot be asked.
	trouble error
	// said is who judged the objects last.
	said  string
	asked sync.WaitGroup
}

// newChecker connects in the background. A nil config asks nobody; needed makes a cluster that can't be asked an error.
func newChecker(ctx context.Context, config *rest.Config, namespace string, needed bool) *checker {
	c := &checker{namespace: namespace, needed: needed}
	if namespace == "" {
		c.namespace = "default"
	}
	ctx, c.end = context.WithCancel(ctx)
	if config == nil {
		return c
	}
	c.host = config.Host
	c.cluster, c.trouble = live.NewRegistry(ctx, config, slog.New(slog.DiscardHandler), func(string) {}).For(v1alpha1.ApplicationDestination{Server: v1alpha1.InClusterServer})
	if c.trouble == nil {
		c.asked.Go(func() { _, c.trouble = c.cluster.Kinds(ctx, nil) })
	}
	return c
}

func (c *checker) close() {
	c.end()
	c.asked.Wait()
}

// check lists what keeps the objects from being applied, a line each.
func (c *checker) check(ctx context.Context, objects []render.Rendered) ([]string, error) {
	c.asked.Wait()
	if c.cluster != nil && c.trouble == nil {
		found, err := c.ask(ctx, objects)
		if err == nil || c.needed || !apply.IsUnreachable(err) {
			return found, wrap(err)
		}
		c.trouble = err
	}
	if c.trouble != nil && c.needed {
		return nil, wrap(c.trouble)
	}
	c.said = "by the rules of Kubernetes alone: no cluster was named"
	if c.trouble != nil {
		c.said = "by the rules of Kubernetes alone, since the cluster could not be asked: " + c.trouble.Error()
	}
	return lines(validate.Check(objects, nil)), nil
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("checking against the cluster: %w", err)
	}
	return nil
}

// ask judges by what the cluster serves, and has it try the rest.
func (c *checker) ask(ctx context.Context, objects []render.Rendered) ([]string, error) {
	known, err := c.known(ctx, objects)
	if err != nil {
		return nil, err
	}
	if found := lines(validate.Check(objects, known)); len(found) > 0 {
		return found, nil
	}
	found, untried, err := c.try(ctx, objects)
	c.said = fmt.Sprintf("by the API server at %s, which tried %d of %d objects", c.host, len(objects)-untried, len(objects))
	return found, err
}

// by says who judged the objects last.
func (c *checker) by() string { return c.said }

func lines(findings []validate.Finding) []string {
	var all []string
	for _, f := range findings {
		all = append(all, f.String())
	}
	return all
}

func (c *checker) known(ctx context.Context, objects []render.Rendered) (*validate.Known, error) {
	var wanted []schema.GroupVersionKind
	for _, o := range objects {
		if kind := o.Object.GroupVersionKind(); !slices.Contains(wanted, kind) {
			wanted = append(wanted, kind)
		}
	}
	kinds, err := c.cluster.Kinds(ctx, wanted)
	if err != nil {
		return nil, err
	}
	crds, err := c.cluster.Definitions(ctx, wanted)
	if err != nil {
		return nil, err
	}
	return &validate.Known{Kinds: kinds.All(), CRDs: crds, DefaultNamespace: c.namespace}, nil
}

// try has the API server apply each object without keeping it. It counts what can't be tried before something else is there, or by these credentials: the sync will see it.
func (c *checker) try(ctx context.Context, objects []render.Rendered) (wrong []string, untried int, err error) {
	found := make([]string, len(objects))
	skipped := make([]bool, len(objects))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(trialsAtOnce)
	for i, o := range objects {
		group.Go(func() error {
			object := o.Object.DeepCopy()
			_, namespaced, served := c.cluster.Resource(object.GroupVersionKind())
			if !served {
				skipped[i] = true
				return nil
			}
			if namespaced && object.GetNamespace() == "" {
				object.SetNamespace(c.namespace)
			}
			_, err := c.cluster.Client.Apply(ctx, object, nil, apply.How{Trial: apply.DryRun})
			switch {
			case err == nil:
			case apply.ReasonOf(err) == apply.ReasonNoNamespace, apply.ReasonOf(err) == apply.ReasonForbidden:
				skipped[i] = true
			case apply.IsUnreachable(err):
				return err
			default:
				found[i] = fmt.Sprintf("%s:%d: %v", o.Origin.File, o.Origin.Line, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, 0, err
	}
	for _, s := range skipped {
		if s {
			untried++
		}
	}
	return slices.DeleteFunc(found, func(s string) bool { return s == "" }), untried, nil
}
