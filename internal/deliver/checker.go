package deliver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/validate"
)

// checker judges objects: by the rules of Kubernetes, and by asking the cluster where there is one.
type checker struct {
	namespace string
	host      string
	needed    bool
	// known is what is known of kinds when no cluster is asked; nil for what is built in.
	known   *validate.Known
	cluster *live.Reader
	end     context.CancelFunc
	// unusable is why the cluster cannot be asked.
	unusable error
	// judge describes who judged the objects last.
	judge string
	asked sync.WaitGroup
}

// newChecker connects in the background. A nil config asks none; needed makes a cluster that can't be asked an error.
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
	if c.cluster, c.unusable = live.NewReader(config); c.unusable == nil {
		c.asked.Go(func() {
			c.unusable = problem.Guard(func() error {
				_, err := c.cluster.Kinds(ctx, nil)
				return err
			})()
		})
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
	if c.cluster != nil && c.unusable == nil {
		found, err := c.ask(ctx, objects)
		if err == nil || c.needed || !apply.IsUnreachable(err) {
			return found, wrap(err)
		}
		c.unusable = err
	}
	if c.unusable != nil && c.needed {
		return nil, wrap(c.unusable)
	}
	c.judge = "by the rules of Kubernetes alone: no cluster was named"
	if c.unusable != nil {
		c.judge = "by the rules of Kubernetes alone, since the cluster could not be asked: " + c.unusable.Error()
	}
	return lines(validate.Check(objects, c.known)), nil
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("checking against the cluster: %w", err)
	}
	return nil
}

// by describes who judged the objects last.
func (c *checker) by() string { return c.judge }

func lines(findings []*problem.Error) []string {
	var all []string
	for _, f := range findings {
		all = append(all, f.Error())
	}
	return all
}

// ask judges by what the cluster serves and has, as a sync of the objects would: it counts what can't be tried before
// something else is there, or by these credentials.
func (c *checker) ask(ctx context.Context, objects []render.Rendered) ([]string, error) {
	if len(objects) == 0 {
		return lines(validate.Check(objects, c.known)), nil
	}
	in := compare.Input{
		App: &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Destination: v1alpha1.ApplicationDestination{Namespace: c.namespace}}}, Rendering: &compare.Rendering{Result: &render.Result{Objects: objects}},
		Bounds: project.Unbounded(), Cluster: c.cluster, Client: c.cluster.Client, Application: func(context.Context, string) (*v1alpha1.Application, error) { return nil, nil },
	}
	compared, err := compare.New().Compare(ctx, in)
	if len(compared.Findings) > 0 {
		return lines(compared.Findings), nil
	}
	if err != nil {
		return nil, err
	}
	if !compared.Complete {
		return nil, errors.Join(errorsOf(compared.Problems)...)
	}
	kinds, err := c.cluster.Kinds(ctx, nil)
	if err != nil {
		return nil, err
	}
	refusals, err := compared.Refusals(ctx, c.cluster.Client, kinds)
	if err != nil {
		return nil, err
	}
	untried := len(refusals.Untried)
	var found []string
	for _, err := range refusals.ByTask {
		if reason := apply.ReasonOf(err); reason == apply.ReasonNoNamespace || reason == apply.ReasonForbidden {
			untried++
			continue
		}
		found = append(found, err.Error())
	}
	slices.Sort(found)
	c.judge = fmt.Sprintf("by the API server at %s, which tried %d of %d objects", c.host, len(objects)-untried, len(objects))
	return found, nil
}

func errorsOf(problems []compare.Problem) []error {
	var all []error
	for _, p := range problems {
		all = append(all, p.Err)
	}
	return all
}
