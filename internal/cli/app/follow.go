package app

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// errGone ends a wait for an Application that has been deleted meanwhile.
var errGone = errors.New("deleted meanwhile")

// until follows an Application until done says so, and returns what was seen last. It is watched, not polled; a watch
// that ends is begun again. A deletion returns errGone, the end of ctx its error.
func until(ctx context.Context, a *kit.Control, c client.WithWatch, app *v1alpha1.Application, done func(*v1alpha1.Application) (bool, error)) (*v1alpha1.Application, error) {
	key := client.ObjectKeyFromObject(app)
	for {
		seen := &v1alpha1.Application{}
		if err := c.Get(ctx, key, seen); apierrors.IsNotFound(err) {
			return app, errGone
		} else if err != nil {
			return app, ended(ctx, a, err, app)
		}
		app = seen
		if ok, err := done(app); ok || err != nil {
			return app, err
		}
		var finished bool
		var err error
		app, finished, err = watchOnce(ctx, a, c, app, done)
		if finished || err != nil {
			return app, err
		}
	}
}

// watchOnce is one watch, from the state that app is of.
func watchOnce(ctx context.Context, a *kit.Control, c client.WithWatch, app *v1alpha1.Application, done func(*v1alpha1.Application) (bool, error)) (*v1alpha1.Application, bool, error) {
	from := &client.ListOptions{
		Namespace: app.Namespace, FieldSelector: fields.OneTermEqualSelector("metadata.name", app.Name),
		Raw: &metav1.ListOptions{ResourceVersion: app.ResourceVersion},
	}
	w, err := c.Watch(ctx, &v1alpha1.ApplicationList{}, from)
	if err != nil {
		return app, false, ended(ctx, a, err, app)
	}
	_, err = watchtools.UntilWithoutRetry(ctx, w, func(event watch.Event) (bool, error) {
		if event.Type == watch.Error {
			return false, watchtools.ErrWatchClosed
		}
		if seen, ok := event.Object.(*v1alpha1.Application); ok {
			app = seen
		}
		if event.Type == watch.Deleted {
			return false, errGone
		}
		return done(app)
	})
	switch {
	case ctx.Err() != nil:
		return app, false, ctx.Err()
	case errors.Is(err, watchtools.ErrWatchClosed):
		return app, false, nil
	}
	return app, err == nil, err
}

// ended is the error of a request: that of the context when this is why it failed.
func ended(ctx context.Context, a *kit.Control, err error, app *v1alpha1.Application) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return a.Explain(err, "reading Application "+app.Name)
}
