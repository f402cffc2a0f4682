package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/secret"
	"github.com/cyan-cd/cyan/internal/view"
)

type changesInput struct {
	Named
	Group      string `query:"group" maxLength:"253"`
	Kind       string `query:"kind" maxLength:"63"`
	Of         string `query:"namespace" maxLength:"63" doc:"the namespace of the object"`
	ObjectName string `query:"objectName" maxLength:"253" doc:"of the object; all that differ when empty"`
}

type changesAnswer struct{ Body view.Changes }

type planInput struct {
	Named
	Body syncBody
}

type planAnswer struct{ Body view.Plan }

type previewInput struct{ Body writtenApplication }

type previewAnswer struct{ Body view.Preview }

// comparisons are the calls that show an Application against git.
type comparisons struct {
	looked
	// fingerprint distinguishes the values of Secrets.
	fingerprint func([]byte) string
}

func newComparisons(s *service) comparisons {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it does not fail
	return comparisons{looked{s}, secret.Fingerprints(key)}
}

func (s comparisons) register() {
	const path = "/api/v1/view/applications/{namespace}/{name}"
	register(s.service, huma.Operation{OperationID: "viewChanges", Method: http.MethodGet, Path: path + "/changes", Summary: "How objects of an Application differ from git, as the API server says", Tags: viewTags, Middlewares: huma.Middlewares{compact}}, s.changes)
	register(s.service, huma.Operation{OperationID: "viewPreview", Method: http.MethodPost, Path: "/api/v1/view/preview", Summary: "What an Application would have in the cluster, which creates nothing", Tags: viewTags}, s.preview)
	register(s.service, huma.Operation{OperationID: "viewPlan", Method: http.MethodPost, Path: path + "/plan", Summary: "What a sync would do, which changes nothing", Tags: viewTags}, s.plan)
}

// preview renders an Application that need not be there yet, for who may create it or change it to that.
func (s comparisons) preview(ctx context.Context, c *caller, in *previewInput) (*previewAnswer, error) {
	app := &v1alpha1.Application{Spec: in.Body.Spec}
	app.Name, app.Namespace, app.Annotations = in.Body.Name, in.Body.Namespace, in.Body.Annotations
	if app.Namespace == "" {
		app.Namespace = s.Namespace
	}
	if app.Name == "" {
		app.Name = "preview"
	}
	setDefaults(app)
	if err := s.allowPreview(ctx, c, app); err != nil {
		return nil, err
	}
	compared, mask, err := s.compared(ctx, app)
	if err != nil {
		return nil, err
	}
	return &previewAnswer{view.PreviewOf(compared, mask)}, nil
}

// allowPreview lets who may create an Application see it rendered, and who may update one that is there, as what it is
// and as what it is to be: that one with what opens its repositories, which was not shown to them.
func (s comparisons) allowPreview(ctx context.Context, c *caller, wanted *v1alpha1.Application) error {
	named := s.named(wanted)
	live := &v1alpha1.Application{}
	if err := s.Reader.Get(ctx, client.ObjectKeyFromObject(wanted), live); err == nil && c.rights.Decide(s.named(live).On(access.Update)).Allowed && c.rights.Decide(named.On(access.Update)).Allowed {
		action.KeepCredentials(live, wanted)
		return c.allow(named.On(access.Update))
	}
	return c.allow(named.On(access.Create))
}

func (s comparisons) changes(ctx context.Context, c *caller, in *changesInput) (*changesAnswer, error) {
	app, err := s.find(ctx, c, ApplicationName{Name: in.Name, AppNamespace: in.Namespace}, get)
	if err != nil {
		return nil, err
	}
	app = app.DeepCopy()
	app.Operation = nil
	compared, mask, err := s.compared(ctx, app)
	if err != nil {
		return nil, err
	}
	wanted := func(k plan.Key) bool {
		return in.ObjectName == "" || k == plan.Key{Group: in.Group, Kind: in.Kind, Namespace: in.Of, Name: in.ObjectName}
	}
	return &changesAnswer{view.ChangesOf(compared, mask, wanted, in.ObjectName == "")}, nil
}

func (s comparisons) plan(ctx context.Context, c *caller, in *planInput) (*planAnswer, error) {
	// Who may not sync a revision is not shown what is in it.
	app, err := s.find(ctx, c, ApplicationName{Name: in.Name, AppNamespace: in.Namespace}, func(a access.Application) access.Request {
		if in.Body.Revision == "" {
			return a.On(access.Get)
		}
		return c.options.Sync(a, access.SyncRequest{OtherRevision: true})
	})
	if err != nil {
		return nil, err
	}
	app = app.DeepCopy()
	in.Body.DryRun = true
	if app.Operation, err = syncOperation(app, in.Body, c.Name); err != nil {
		return nil, err
	}
	compared, mask, err := s.compared(ctx, app)
	if err != nil {
		return nil, err
	}
	return &planAnswer{view.PlanOf(compared, mask)}, nil
}

// compareTimeout bounds how long a comparison is waited for.
const compareTimeout = time.Minute

// compared compares an Application with git, and returns with it what hides the values of Secrets.
func (s comparisons) compared(ctx context.Context, app *v1alpha1.Application) (view.Compared, func(*unstructured.Unstructured) *unstructured.Unstructured, error) {
	if s.Compare == nil {
		return view.Compared{}, nil, &problem.Error{Kind: problem.Unreachable, Object: "Server", Cause: "comparing is not set up", Remedy: "see the server's log"}
	}
	within, err := s.permitted(ctx, app)
	if err != nil {
		return view.Compared{}, nil, err
	}
	m := within.masker()
	m.Fingerprint = s.fingerprint
	ctx, cancel := context.WithTimeout(ctx, compareTimeout)
	defer cancel()
	found, err := s.Compare(ctx, app)
	return found, m.Mask, err
}
