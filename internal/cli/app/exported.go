package app

import (
	"cmp"
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/repo"
	"github.com/cyan-cd/cyan/internal/source"
)

// Served lists the Applications of the control namespace, and of the others that the server looks after.
func Served(ctx context.Context, a *kit.Control, c client.Client) ([]v1alpha1.Application, error) {
	return listServed(ctx, a, c, labels.Everything())
}

// Find reads an Application by NAME or NAMESPACE/NAME, or returns an error that names those that there are.
func Find(ctx context.Context, a *kit.Control, c client.Client, name string) (*v1alpha1.Application, error) {
	return get(ctx, a, c, name)
}

// Repository returns the repository of an Application's source with what opens it for its project, which has to permit
// it.
func Repository(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application) (source.Repository, error) {
	permitted, err := permit(ctx, a, c, app)
	if err != nil {
		return source.Repository{}, err
	}
	book, err := repo.Book(ctx, a.Home(), c)
	if err != nil {
		return source.Repository{}, err
	}
	src := permitted.Source().RepoURL
	if src == "" {
		sources := app.Spec.GetSources()
		if len(sources) == 0 {
			return source.Repository{}, errors.New("no source")
		}
		src = sources[0].RepoURL
	}
	return book.Repository(src, cmp.Or(permitted.Project(), app.Spec.Project)), nil
}
