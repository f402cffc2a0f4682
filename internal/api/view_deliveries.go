package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/view"
)

const (
	// usualDeliveries is how many deliveries are listed where a call does not say, and recentDeliveries how many an
	// overview has.
	usualDeliveries, recentDeliveries = 100, 12
	// deliveriesTimeout bounds how long commits are waited for in a list: without them deliveries are true all the same.
	deliveriesTimeout = 5 * time.Second
)

type deliveriesInput struct {
	Application string `query:"application" maxLength:"253"`
	Namespace   string `query:"namespace" maxLength:"63" doc:"of the Application"`
	Limit       int    `query:"limit" minimum:"0" maximum:"1000" doc:"100 when 0"`
}

type deliveriesAnswer struct {
	Body struct {
		Items []view.Delivery `json:"items"`
	}
}

type leadAnswer struct {
	Body struct {
		Points []view.LeadPoint `json:"points"`
	}
}

type deliveryInput struct {
	Namespace   string `path:"namespace" maxLength:"63"`
	Application string `path:"application" maxLength:"253"`
	ID          string `path:"id" maxLength:"100"`
}

type deliveryAnswer struct{ Body view.Delivery }

// deliveries are the calls that show the way of commits to the traffic.
type deliveries struct{ viewed }

func (s deliveries) register() {
	register(s.service, huma.Operation{OperationID: "viewDeliveries", Method: http.MethodGet, Path: "/api/v1/view/deliveries", Summary: "The deliveries of the Applications that who asks may see, newest first", Tags: viewTags, Middlewares: huma.Middlewares{compact}}, s.list)
	register(s.service, huma.Operation{OperationID: "viewLeadTimes", Method: http.MethodGet, Path: "/api/v1/view/deliveries/lead", Summary: "The lead times of deliveries, oldest first", Tags: viewTags, Middlewares: huma.Middlewares{compact}}, s.lead)
	register(s.service, huma.Operation{OperationID: "viewDelivery", Method: http.MethodGet, Path: "/api/v1/view/deliveries/{namespace}/{application}/{id}", Summary: "A delivery", Tags: viewTags, Middlewares: huma.Middlewares{compact}}, s.get)
}

func (s deliveries) list(ctx context.Context, c *caller, in *deliveriesInput) (*deliveriesAnswer, error) {
	found, err := s.deliveriesFor(ctx, c, in.Namespace, in.Application, cmp.Or(in.Limit, usualDeliveries))
	out := &deliveriesAnswer{}
	out.Body.Items = found
	return out, err
}

func (s deliveries) lead(ctx context.Context, c *caller, in *deliveriesInput) (*leadAnswer, error) {
	found, err := s.deliveriesFor(ctx, c, in.Namespace, in.Application, cmp.Or(in.Limit, usualDeliveries))
	out := &leadAnswer{}
	out.Body.Points = view.LeadOf(found)
	return out, err
}

func (s deliveries) get(ctx context.Context, c *caller, in *deliveryInput) (*deliveryAnswer, error) {
	app, err := s.find(ctx, c, ApplicationName{Name: in.Application, AppNamespace: in.Namespace}, get)
	if err != nil {
		return nil, err
	}
	all, err := s.deliveriesOf(ctx, &surroundings{reader: s.Reader}, app)
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		if d.ID == in.ID {
			return &deliveryAnswer{d}, nil
		}
	}
	return nil, &problem.Error{Kind: problem.Absent, Object: "Application " + app.Name, Cause: "delivery " + in.ID + " not found", Remedy: "the history keeps the last ones alone; list them"}
}

// deliveriesFor returns the last deliveries of the Applications that the caller may see, newest first.
func (s viewed) deliveriesFor(ctx context.Context, c *caller, namespace, name string, limit int) ([]view.Delivery, error) {
	rights, err := c.mayAll()
	if err != nil {
		return nil, err
	}
	var all v1alpha1.ApplicationList
	if err := s.Reader.List(ctx, &all, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	shows := rights.Select(access.Applications, access.Get)
	var apps []*v1alpha1.Application
	for i := range all.Items {
		if app := &all.Items[i]; (name == "" || app.Name == name) && shows(s.named(app).Object()) {
			apps = append(apps, app)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, deliveriesTimeout)
	defer cancel()
	found, around := []view.Delivery{}, &surroundings{reader: s.Reader}
	for _, app := range view.LastDelivering(apps, limit) {
		of, err := s.deliveriesOf(ctx, around, app)
		if err != nil {
			return nil, err
		}
		found = append(found, of...)
	}
	return view.NewestDeliveries(found, limit), nil
}

// deliveriesOf returns the deliveries of an Application.
func (s viewed) deliveriesOf(ctx context.Context, around *surroundings, app *v1alpha1.Application) ([]view.Delivery, error) {
	seen := view.DeliverySeen{Application: app, Commits: s.deliveredCommits(ctx, app)}
	rollouts, err := s.rolloutsOf(ctx, app)
	if err != nil {
		return nil, err
	}
	for _, ro := range rollouts {
		of, err := around.of(ctx, ro)
		if err != nil {
			return nil, err
		}
		seen.Rollouts = append(seen.Rollouts, of)
	}
	return view.Deliveries(seen), nil
}

// deliveredCommits reads the commits of an Application's deliveries, and those that they name as built. What the
// project does not permit is not read.
func (s viewed) deliveredCommits(ctx context.Context, app *v1alpha1.Application) map[string]view.GitCommit {
	if _, err := looked(s).permitted(ctx, app); err != nil {
		return nil
	}
	return s.commitsOf(ctx, app, view.DeliveryRevisions(app))
}
