package controller

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/controller/application"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/secret"
	"github.com/cyan-cd/cyan/internal/view"
)

// comparer has the controller of Applications compare for the API.
type comparer struct{ looks *application.Looks }

// compare compares an Application with git.
func (c comparer) compare(ctx context.Context, app *v1alpha1.Application) (view.Compared, error) {
	found, err := c.looks.Compare(ctx, app)
	if err != nil {
		return view.Compared{}, err
	}
	of := found.Comparison
	compared := view.Compared{
		Revision: found.Revision, Plan: of.Plan, Complete: of.Complete,
		Desired: map[plan.Key]*unstructured.Unstructured{}, After: map[plan.Key]*unstructured.Unstructured{}, Refused: map[plan.Key]string{},
	}
	var secrets []*unstructured.Unstructured
	for _, d := range of.Desired {
		compared.Desired[d.Key()] = d.Object
		if secret.Is(d.Object) {
			secrets = append(secrets, d.Object)
		}
	}
	for key, predicted := range of.Predictions {
		if predicted.Err != nil {
			compared.Refused[key] = secret.Redact(predicted.Err.Error(), secrets...)
			continue
		}
		compared.After[key] = predicted.Object
	}
	for _, p := range found.Problems {
		compared.Problems = append(compared.Problems, secret.Redact(p.Error(), secrets...))
	}
	for _, f := range of.Findings {
		compared.Findings = append(compared.Findings, view.Finding{Object: f.Object, Message: secret.Redact(f.Error(), secrets...), Severity: "error"})
	}
	return compared, nil
}
