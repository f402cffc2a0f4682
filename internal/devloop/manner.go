package devloop

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

// manner is how a loop has to do with objects: as its own, or as those of an Application.
type manner interface {
	// begin returns once objects may be applied.
	begin(ctx context.Context, objects []*unstructured.Unstructured) error
	// mayApply returns why an object must be left alone.
	mayApply(object, seen *unstructured.Unstructured) error
	// write applies an object.
	write(ctx context.Context, object, seen *unstructured.Unstructured) (apply.Outcome, error)
	// whyKept is why an object that the loop has made is not removed; "" when it is.
	whyKept(ctx context.Context, seen *unstructured.Unstructured) (string, error)
	// isAtRest reports of the health of a Rollout that is not Healthy whether it is where it should be.
	isAtRest(health v1alpha1.HealthStatusCode) bool
}

// asOwn applies objects in a namespace of the loop's own, or in one that is named.
type asOwn struct {
	reader *live.Reader
	loop   string
	// own is the namespace of the loop's own, "" when there is none.
	own string
	// still returns why the namespace is another loop's by now.
	still func(context.Context) error
}

func (m asOwn) begin(ctx context.Context, _ []*unstructured.Unstructured) error { return m.still(ctx) }

func (m asOwn) isAtRest(v1alpha1.HealthStatusCode) bool { return false }

// writesAgain bounds the writes of an object that others write at the same time.
const writesAgain = 5

// write applies an object; one that cannot be changed, such as a Job, is made anew, where the loop has made it.
func (m asOwn) write(ctx context.Context, object, seen *unstructured.Unstructured) (outcome apply.Outcome, err error) {
	// What somebody else has made may hold data, and carries no mark of the loop.
	mine := seen == nil || seen.GetLabels()[desired.LoopLabel] == m.loop
	if !mine {
		object = desired.Unmarked(object)
	}
	ref := apply.RefOf(object)
	for range writesAgain {
		// Where a Rollout has a Service lead is not the manifest's to say.
		part, basis := plan.SharedWith(nil, plan.Policy{}).Keep(object, seen)
		outcome, err = m.reader.Client.Apply(ctx, part, seen, apply.How{Force: mine, Basis: basis})
		if apply.ReasonOf(err) != apply.ReasonConflict {
			break
		}
		if seen, err = m.reader.Client.Get(ctx, ref.Kind, ref.Namespace, ref.Name); err != nil {
			return outcome, err
		}
	}
	if err != nil || outcome.Change != apply.Deleting {
		return outcome, err
	}
	if err = awaitGone(ctx, m.reader, ref); err != nil {
		return outcome, err
	}
	outcome, err = m.reader.Client.Apply(ctx, object, nil, apply.How{Force: true})
	outcome.Change = apply.Recreated
	return outcome, err
}

// awaitGone waits until an object is gone that was deleted to be made anew: until then, what is applied changes the one
// that goes. Where it stays, the error has what its status says of that.
func awaitGone(ctx context.Context, reader *live.Reader, ref apply.Ref) error {
	var left *unstructured.Unstructured
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, goneWithin, true, func(ctx context.Context) (bool, error) {
		now, err := reader.Client.Get(ctx, ref.Kind, ref.Namespace, ref.Name)
		if now != nil {
			left = now
		}
		return now == nil && err == nil, err
	})
	if left == nil || ctx.Err() != nil || !wait.Interrupted(err) {
		return err
	}
	why, _, _ := unstructured.NestedString(left.Object, "status", "message")
	if why == "" && len(left.GetFinalizers()) > 0 {
		why = "its finalizers are " + strings.Join(left.GetFinalizers(), ", ")
	}
	if why != "" {
		why = ": " + why
	}
	return &problem.Error{
		Kind: problem.Negative, Object: ref.String(), Cause: fmt.Sprintf("deleted to be created again, and still there after %s%s", goneWithin, why),
		Remedy: "see to what holds it up; the next save tries again", Err: err,
	}
}

// mayApply returns why an object must be left alone: somebody else's is not taken over, and neither is what an
// Application has taken over from the loop.
func (m asOwn) mayApply(object, seen *unstructured.Unstructured) error {
	if seen == nil {
		return nil
	}
	ref := apply.RefOf(object)
	if app := m.reader.Tracking.OwnerOf(seen); app != "" {
		return &problem.Error{
			Kind: problem.Refused, Object: ref.String(), Cause: "Application " + app + " deploys it",
			Remedy: "leave --namespace out, so that the loop has a namespace of its own, or work on the Application's objects with --in-place",
		}
	}
	switch other := seen.GetLabels()[desired.LoopLabel]; {
	case other == m.loop:
	case other != "":
		return &problem.Error{Kind: problem.Refused, Object: ref.String(), Cause: "dev loop " + other + " has made it", Remedy: "end that loop"}
	case m.own != "" && ref.Namespace != m.own:
		return &problem.Error{Kind: problem.Refused, Object: ref.String(), Cause: "there already, and everybody in the cluster uses it", Remedy: "leave it out of what the loop deploys"}
	}
	return nil
}

// whyKept keeps what has become somebody else's.
func (m asOwn) whyKept(ctx context.Context, seen *unstructured.Unstructured) (string, error) {
	if app := m.reader.Tracking.OwnerOf(seen); app != "" {
		return "Application " + app + " deploys it by now", nil
	}
	return usedByOthers(ctx, m.reader, seen, m.loop)
}
