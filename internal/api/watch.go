package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/problem"
)

type watchInput struct {
	ListQuery
	ResourceVersion string `query:"resourceVersion" maxLength:"64" doc:"of a list: what has not changed since is not sent at first"`
}

// applicationEvent is what has become of an Application.
type applicationEvent struct {
	Type        watch.EventType `json:"type"`
	Application projected       `json:"application"`
}

// watches are the calls that send Applications as they change.
type watches struct{ looked }

func (s watches) register() {
	register(s.service, huma.Operation{OperationID: "watchApplications", Method: http.MethodGet, Path: "/api/v1/stream/applications", Summary: "The Applications that who asks may see, and what becomes of them", Tags: []string{"applications"}}, s.watch)
}

// watchEvery bounds how often it is looked for what has changed.
const watchEvery = 500 * time.Millisecond

func (s watches) watch(_ context.Context, c *caller, in *watchInput) (*huma.StreamResponse, error) {
	if _, err := c.mayAll(); err != nil {
		return nil, err
	}
	selector, err := labels.Parse(in.Selector)
	if err != nil {
		return nil, &problem.Error{Kind: problem.Usage, Object: "selector", Cause: err.Error(), Remedy: "write it as KEY=VALUE"}
	}
	judge := func(_ context.Context, c *caller) error { return c.unknown }
	only := projectionOf(in.Fields, "result.application.")
	return s.stream(c, judge, media{}, func(ctx context.Context, f *frames) error {
		changed, leave := s.Feed.wait()
		defer leave()
		sent := sentApplications{f: f, only: only, versions: map[types.NamespacedName]string{}, first: in.ResourceVersion}
		for {
			current, err := s.current(ctx, selector, in.ListQuery)
			if err == nil {
				err = sent.update(current)
			}
			if err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case <-changed:
			}
			if !pause(ctx, watchEvery) {
				return nil
			}
		}
	})
}

// current returns the Applications that are asked for and that who asks may see by now.
func (s watches) current(ctx context.Context, selector labels.Selector, q ListQuery) ([]*v1alpha1.Application, error) {
	c := s.again(ctx)
	if c.unknown != nil {
		return nil, c.unknown
	}
	var all v1alpha1.ApplicationList
	if err := s.Reader.List(ctx, &all, client.MatchingLabelsSelector{Selector: selector}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing Applications: %w", err)
	}
	shows := c.rights.Select(access.Applications, access.Get)
	var shown []*v1alpha1.Application
	for i := range all.Items {
		if app := &all.Items[i]; q.wants(app) && shows(s.named(app).Object()) {
			shown = append(shown, app)
		}
	}
	return shown, nil
}

// sentApplications are those that a stream has sent, by the versions in which it has.
type sentApplications struct {
	f        *frames
	only     *projection
	versions map[types.NamespacedName]string
	// first is the version of the list from which the stream goes on; empty for none, and once it has begun.
	first string
}

// update sends what has changed.
func (s *sentApplications) update(current []*v1alpha1.Application) error {
	there := make(map[types.NamespacedName]bool, len(current))
	for _, app := range current {
		name := client.ObjectKeyFromObject(app)
		there[name] = true
		before, known := s.versions[name]
		version := string(app.UID) + "/" + app.ResourceVersion
		s.versions[name] = version
		kind := watch.Modified
		if !known {
			kind = watch.Added
		}
		if before == version || s.first != "" && !newer(app.ResourceVersion, s.first) {
			continue
		}
		if err := s.f.send(applicationEvent{kind, projected{app, s.only}}); err != nil {
			return err
		}
	}
	s.first = ""
	for name := range s.versions {
		if there[name] {
			continue
		}
		delete(s.versions, name)
		gone := &v1alpha1.Application{}
		gone.Namespace, gone.Name = name.Namespace, name.Name
		if err := s.f.send(applicationEvent{watch.Deleted, projected{gone, s.only}}); err != nil {
			return err
		}
	}
	return nil
}

// newer reports whether a resource version is newer than another, or may be.
func newer(version, than string) bool {
	order, err := resourceversion.CompareResourceVersion(version, than)
	return err != nil || order > 0
}
