package api

import (
	"cmp"
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/informer"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/settings"
)

// destination is where an Application goes, as its project permits that.
type destination struct {
	*informer.Cluster
	to      project.Destination
	project *v1alpha1.AppProject
	bounds  project.Bounds
	written settings.Settings
}

// reach returns where an Application goes. What its project does not permit is not looked at: its status may have been
// written while it went elsewhere.
func (s looked) reach(ctx context.Context, app *v1alpha1.Application) (*destination, error) {
	within, err := s.permitted(ctx, app)
	if err != nil {
		return nil, err
	}
	within.Cluster, err = s.Clusters.For(ctx, app.Spec.Destination)
	return within, err
}

// permitted returns where an Application goes, without reaching for it.
func (s looked) permitted(ctx context.Context, app *v1alpha1.Application) (*destination, error) {
	d := &destination{}
	var err error
	if d.written, err = s.settings(ctx); err != nil {
		return nil, err
	}
	if d.project, err = s.projectOf(ctx, app, d.written); err != nil {
		return nil, err
	}
	registered, err := s.Clusters.Find(ctx, app.Spec.Destination)
	if err != nil {
		return nil, err
	}
	d.to = project.Destination{
		Server: registered.Server, Name: registered.Name, Namespace: app.Spec.Destination.Namespace,
		Project: registered.Project, Namespaces: registered.Namespaces, ClusterResources: registered.ClusterResources,
	}
	for _, v := range project.Check(d.project, app, d.to, s.Namespace) {
		return nil, &problem.Error{Kind: problem.Refused, Object: v.Object, Cause: v.Cause, Remedy: v.Remedy}
	}
	d.bounds = project.BoundsOf(d.project, d.to)
	return d, nil
}

// user returns as whom the project has objects written; "" for the program itself.
func (d *destination) user(app *v1alpha1.Application) (string, error) {
	user, no, _ := project.User(d.project, app, d.to, project.Impersonation(d.written.Impersonation))
	if no != nil {
		return "", &problem.Error{Kind: problem.Refused, Object: no.Object, Cause: no.Cause, Remedy: no.Remedy}
	}
	return user, nil
}

// as returns what writes in the cluster as whom the project has objects written.
func (d *destination) as(app *v1alpha1.Application) (client.Client, error) {
	user, err := d.user(app)
	if err != nil {
		return nil, err
	}
	return d.As(user)
}

// settings returns the settings of the control namespace.
func (s looked) settings(ctx context.Context) (settings.Settings, error) {
	data, err := s.configOf(ctx, settings.ConfigName)
	if err != nil {
		return settings.Settings{}, err
	}
	written, _ := settings.Parse(map[string]map[string]string{settings.ConfigName: data})
	return written, nil
}

// configOf returns what a ConfigMap of the control namespace has; nothing when it is not there.
func (s looked) configOf(ctx context.Context, name string) (map[string]string, error) {
	written := &corev1.ConfigMap{}
	if err := s.Config.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: name}, written); client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("reading ConfigMap %s: %w", name, err)
	}
	return written.Data, nil
}

// projectOf returns the project of an Application, bound by those that are global.
func (s looked) projectOf(ctx context.Context, app *v1alpha1.Application, written settings.Settings) (*v1alpha1.AppProject, error) {
	name := cmp.Or(app.Spec.Project, v1alpha1.DefaultProject)
	found, err := s.projectNamed(ctx, name)
	if err != nil {
		return nil, err
	}
	var global []*v1alpha1.AppProject
	for _, other := range written.GlobalProjectsOf(name, found.Labels) {
		if g, err := s.projectNamed(ctx, other); err == nil {
			global = append(global, g)
		}
	}
	return project.WithGlobal(found, global...), nil
}

// projectNamed reads a project. The default one is there by itself.
func (s looked) projectNamed(ctx context.Context, name string) (*v1alpha1.AppProject, error) {
	found := &v1alpha1.AppProject{}
	err := s.Config.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: name}, found)
	switch {
	case err == nil:
		return found, nil
	case client.IgnoreNotFound(err) != nil:
		return nil, fmt.Errorf("reading AppProject %s: %w", name, err)
	case name == v1alpha1.DefaultProject:
		return project.Default(s.Namespace), nil
	}
	return nil, &problem.Error{Kind: problem.Absent, Object: "AppProject " + name, Cause: "not found in namespace " + s.Namespace, Remedy: "create it, or name another project", Err: err}
}

// listAll lists all Applications, whoever may see them. They are those of the cache, and are not to be changed.
func (s looked) listAll(ctx context.Context, into *v1alpha1.ApplicationList) error {
	if err := s.Reader.List(ctx, into, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing Applications: %w", err)
	}
	return nil
}
