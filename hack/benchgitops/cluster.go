package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"golang.org/x/sync/errgroup"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/controller/install"
)

// cluster is a control plane of this machine.
type cluster struct {
	program, dir, kubeconfig string
	config                   *rest.Config
	client                   client.Client
}

const (
	// control is where Applications are, and target where their objects go.
	control, target = "argocd", "bench"
	// atOnce is the number of requests that the bare client has under way at the same time.
	atOnce = 8
)

// startCluster starts a control plane in dir, with Cyan's definitions and some simulated nodes.
func startCluster(ctx context.Context, program, dir string, nodes int) (*cluster, error) {
	c := &cluster{program: program, dir: dir}
	if err := c.local(ctx, nil, "up", "--kubeconfig-update=false", "--dir", dir, "--nodes", "simulated", "--count", strconv.Itoa(nodes)); err != nil {
		return nil, errors.Join(err, c.delete())
	}
	if err := c.connect(ctx); err != nil {
		return nil, errors.Join(err, c.delete())
	}
	return c, nil
}

func (c *cluster) connect(ctx context.Context) error {
	var status struct{ Kubeconfig string }
	if err := c.local(ctx, &status, "status", "--dir", c.dir, "-o", "json"); err != nil {
		return err
	}
	c.kubeconfig = status.Kubeconfig
	var err error
	if c.config, err = clientcmd.BuildConfigFromFlags("", c.kubeconfig); err != nil {
		return err
	}
	c.config.QPS = -1
	if err := install.CRDs(ctx, c.config); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	if c.client, err = client.New(c.config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	return errors.Join(c.namespace(ctx, control), c.namespace(ctx, target))
}

// namespace makes a namespace, unless it is there.
func (c *cluster) namespace(ctx context.Context, name string) error {
	return client.IgnoreAlreadyExists(c.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}))
}

func (c *cluster) local(ctx context.Context, into any, args ...string) error {
	cmd := exec.CommandContext(ctx, c.program, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("cyan local %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(out, into)
}

// deleteTimeout bounds the removal of a cluster.
const deleteTimeout = time.Minute

// delete removes the cluster whole, also after the run was interrupted.
func (c *cluster) delete() error {
	ctx, cancel := context.WithTimeout(context.Background(), deleteTimeout)
	defer cancel()
	return c.local(ctx, nil, "down", "--delete", "--dir", c.dir)
}

// bareApply applies objects into a namespace as a bare client does, some at once, by server-side apply and without a
// status, and returns the time that it takes. The objects are deleted afterwards.
func (c *cluster) bareApply(ctx context.Context, objects []*unstructured.Unstructured) (time.Duration, error) {
	const namespace = "limit"
	if err := c.namespace(ctx, namespace); err != nil {
		return 0, err
	}
	took, err := timed(func() error {
		return each(ctx, len(objects), func(ctx context.Context, i int) error {
			objects[i].SetNamespace(namespace)
			return c.apply(ctx, objects[i])
		})
	})
	in := client.InNamespace(namespace)
	return took, errors.Join(err, c.client.DeleteAllOf(ctx, &appsv1.Deployment{}, in), c.client.DeleteAllOf(ctx, &corev1.ConfigMap{}, in))
}

// apply applies one object as a bare client does. The object itself stays as it is: the client would write the answer
// into it.
func (c *cluster) apply(ctx context.Context, object *unstructured.Unstructured) error {
	return c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object.DeepCopy()), client.FieldOwner("limit"), client.ForceOwnership)
}

// object returns what a manifest describes, with another name.
func object(name, manifest string) (*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	err := yaml.Unmarshal([]byte(manifest), &object.Object)
	object.SetName(name)
	return object, err
}

// objectsOf are the objects of n Applications.
func objectsOf(n int) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	for i := range n {
		web, err := object(appName(i)+"-web", deployment)
		if err != nil {
			return nil, err
		}
		config, err := object(settingsName(i), settings("first"))
		if err != nil {
			return nil, err
		}
		all = append(all, web, config)
	}
	return all, nil
}

// each calls do for 0 to n-1, as many at the same time as the bare client has requests.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	return some(ctx, atOnce, n, do)
}

// some calls do for 0 to n-1, some at the same time.
func some(ctx context.Context, together, n int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(together)
	for i := range n {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}

// application is an Application that is synced by itself, of a path in a repository.
func application(name, url, path, namespace string) *v1alpha1.Application {
	return &v1alpha1.Application{
		ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: name},
		Spec: v1alpha1.ApplicationSpec{
			Project:     v1alpha1.DefaultProject,
			Source:      &v1alpha1.ApplicationSource{RepoURL: url, Path: path, TargetRevision: "main"},
			Destination: v1alpha1.ApplicationDestination{Server: "https://kubernetes.default.svc", Namespace: namespace},
			SyncPolicy:  &v1alpha1.SyncPolicy{Automated: &v1alpha1.AutomatedSync{Prune: new(true), SelfHeal: new(true)}},
		},
	}
}

// isSynced reports whether an Application is synced and healthy.
func isSynced(app *v1alpha1.Application) bool {
	return app.Status.Sync.Status == v1alpha1.Synced && app.Status.Health.Status == v1alpha1.HealthHealthy
}
