package application

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/controller/recorder"
	"github.com/cyan-cd/cyan/internal/patch"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/settings"
)

// projectReconciler lets AppProjects go that are deleted, once no Application uses them any more, and names on them
// what they ask for and do not get.
type projectReconciler struct {
	client   client.Client
	recorder *recorder.Recorder
	control  string
	log      *slog.Logger
	// named are the generations of the projects in which what is not served was named.
	named map[types.NamespacedName]int64
}

// setUp adds the reconciler to a manager.
func (p *projectReconciler) setUp(mgr manager.Manager) error {
	ofApplication := func(_ context.Context, app client.Object) []reconcile.Request {
		return []reconcile.Request{{NamespacedName: client.ObjectKey{Namespace: p.control, Name: projectName(app.(*v1alpha1.Application))}}}
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("appproject").
		For(&v1alpha1.AppProject{}).
		Watches(&v1alpha1.Application{}, handler.EnqueueRequestsFromMapFunc(ofApplication)).
		Complete(p)
}

// maxUsersNamed bounds a message.
const maxUsersNamed = 5

// nameUnserved records in events of a project what of it is not served, once in each of its generations.
func (p *projectReconciler) nameUnserved(project *v1alpha1.AppProject) {
	name := client.ObjectKeyFromObject(project)
	if project.Namespace != p.control || p.named[name] == project.Generation {
		return
	}
	p.named[name] = project.Generation
	for _, f := range settings.UnservedOfProject(project) {
		p.recorder.Record(project, recorder.Event{Type: corev1.EventTypeWarning, Reason: "Unsupported", Action: "Check", Once: true, Message: f.Problem().Error()})
	}
}

// Reconcile takes the finalizer off an AppProject that is deleted and that nobody uses.
func (p *projectReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	found := &v1alpha1.AppProject{}
	if err := p.client.Get(ctx, request.NamespacedName, found); err != nil {
		delete(p.named, request.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	p.nameUnserved(found)
	if found.Namespace != p.control || found.DeletionTimestamp == nil || !slices.Contains(found.Finalizers, v1alpha1.ResourcesFinalizer) {
		return ctrl.Result{}, nil
	}
	var apps v1alpha1.ApplicationList
	if err := p.client.List(ctx, &apps); err != nil {
		return ctrl.Result{}, fmt.Errorf("listing Applications: %w", err)
	}
	var users []string
	for i := range apps.Items {
		if projectName(&apps.Items[i]) == found.Name {
			users = append(users, apps.Items[i].Name)
		}
	}
	if len(users) > 0 {
		slices.Sort(users)
		more := ""
		if len(users) > maxUsersNamed {
			more = fmt.Sprintf(" and %d more", len(users)-maxUsersNamed)
			users = users[:maxUsersNamed]
		}
		p.recorder.Record(found, recorder.Event{
			Type: corev1.EventTypeWarning, Reason: "DeletionWaits", Action: "Delete", Once: true,
			Message: fmt.Sprintf("AppProject %s: used by the Applications %s%s; delete them, or move them to another project", found.Name, strings.Join(users, ", "), more),
		})
		return ctrl.Result{}, nil
	}
	after := found.DeepCopy()
	after.Finalizers = slices.DeleteFunc(after.Finalizers, func(f string) bool { return f == v1alpha1.ResourcesFinalizer })
	if err := patch.Object(ctx, p.client, found, after); client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("letting AppProject %s go: %w", request.NamespacedName, err)
	}
	p.log.Info("deleted", "project", request.Name)
	return ctrl.Result{}, nil
}

func projectName(app *v1alpha1.Application) string {
	if app.Spec.Project == "" {
		return v1alpha1.DefaultProject
	}
	return app.Spec.Project
}

// gatherProject reads the project of an Application, with what projects that are global allow and deny besides.
func (r *observer) gatherProject(ctx context.Context, o *observation) error {
	own, err := readProject(ctx, r.client, client.ObjectKey{Namespace: r.control, Name: projectName(o.app)})
	if own == nil || err != nil {
		return err
	}
	var global []*v1alpha1.AppProject
	for _, name := range o.settings.GlobalProjectsOf(own.Name, own.Labels) {
		found, err := readProject(ctx, r.client, client.ObjectKey{Namespace: r.control, Name: name})
		switch {
		case err != nil:
			return err
		case found == nil:
			o.add(v1alpha1.ConditionUnsupportedWarning, fmt.Errorf("ConfigMap %s: globalProjects: AppProject %q not found in namespace %s; create it, or leave it out", settings.ConfigName, name, r.control))
			continue
		}
		global = append(global, found)
	}
	o.project = project.WithRepositories(project.WithGlobal(own, global...), r.sources.ofProject(own.Name)...)
	return nil
}

// readProject reads an AppProject; nil when there is none. The default one is made when it is missing.
func readProject(ctx context.Context, c client.Client, key client.ObjectKey) (*v1alpha1.AppProject, error) {
	found := &v1alpha1.AppProject{}
	err := c.Get(ctx, key, found)
	switch {
	case err == nil:
		return found, nil
	case !apierrors.IsNotFound(err):
		return nil, fmt.Errorf("reading AppProject %s: %w", key, err)
	case key.Name != v1alpha1.DefaultProject:
		return nil, nil
	}
	found = project.Default(key.Namespace)
	if err := c.Create(ctx, found); err != nil && !apierrors.IsAlreadyExists(err) {
		return nil, fmt.Errorf("creating AppProject %s: %w", key, err)
	}
	return found, nil
}
