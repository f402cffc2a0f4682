package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/handover"
	"github.com/cyan-cd/cyan/internal/problem"
)

type reclaimed struct {
	Body struct {
		Holder string `json:"holder" doc:"from whom the objects were taken back"`
	}
}

// handOvers is the call that takes the objects of an Application back from whoever works on them.
type handOvers struct{ *service }

func (s handOvers) register() {
	register(s.service, huma.Operation{
		OperationID: "reclaimApplication", Method: http.MethodPost, Path: "/api/v1/applications/{name}/reclaim", Summary: "Take the objects back from whoever works on them, such as a dev loop in place",
		Description: "Needs the right override: the work of somebody else ends. What git wants is applied again, and what the other one has added goes.", Tags: []string{"applications"},
	}, s.reclaim)
}

func (s handOvers) reclaim(ctx context.Context, c *caller, in *ApplicationName) (*reclaimed, error) {
	app, err := s.find(ctx, c, *in, func(a access.Application) access.Request { return a.On(access.Override) })
	if err != nil {
		return nil, err
	}
	out := &reclaimed{}
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		lease := &coordinationv1.Lease{}
		err := s.Writer.Get(ctx, client.ObjectKey{Namespace: app.Namespace, Name: handover.LeaseName(app.Name)}, lease)
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("reading the Lease of a hand-over: %w", err)
		}
		h := handover.Of(lease, 0)
		if err != nil || handover.ApplicationOf(lease) != app.Name || !h.Held() {
			return &problem.Error{Kind: problem.Absent, Object: "Application " + app.Name, Cause: "handed over to nobody", Remedy: "look at it again: it follows git"}
		}
		out.Body.Holder = h.Holder
		return s.Writer.Update(ctx, handover.Release(lease, c.Name))
	})
	return out, err
}
