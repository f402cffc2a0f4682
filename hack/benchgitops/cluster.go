package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/cache"
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

// startCluster starts a control plane in dir, with Cyan's definitions.
func startCluster(ctx context.Context, program, dir string) (*cluster, error) {
	c := &cluster{program: program, dir: dir}
	if err := c.local(ctx, nil, "up", "--dir", dir, "--nodes", "simulated"); err != nil {
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
	for _, name := range []string{control, target} {
		if err := client.IgnoreAlreadyExists(c.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})); err != nil {
			return err
		}
	}
	return nil
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

// delete removes the cluster whole, also after the run was interrupted.
func (c *cluster) delete() error {
	return c.local(context.WithoutCancel(context.Background()), nil, "down", "--delete", "--dir", c.dir)
}

// bareApply applies the objects of n Applications into a namespace as a bare client does, some at once, by server-side
// apply and without a status, and returns the time that it takes. The objects are deleted afterwards.
func (c *cluster) bareApply(ctx context.Context, n int) (time.Duration, error) {
	const namespace = "limit"
	if err := client.IgnoreAlreadyExists(c.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})); err != nil {
		return 0, err
	}
	var all []*unstructured.Unstructured
	for i := range n {
		for _, text := range []string{deployment, settings("first")} {
			object := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
				return 0, err
			}
			object.SetNamespace(namespace)
			object.SetName(appName(i) + "-" + object.GetName())
			all = append(all, object)
		}
	}
	started := time.Now()
	if err := each(ctx, len(all), func(ctx context.Context, i int) error {
		return c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(all[i]), client.FieldOwner("limit"), client.ForceOwnership)
	}); err != nil {
		return 0, err
	}
	took := time.Since(started)
	in := client.InNamespace(namespace)
	return took, errors.Join(c.client.DeleteAllOf(ctx, &appsv1.Deployment{}, in), c.client.DeleteAllOf(ctx, &corev1.ConfigMap{}, in))
}

// each calls do for 0 to n-1, some at the same time.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range n {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}

// application is the i-th Application, which is synced by itself.
func application(url string, i int) *v1alpha1.Application {
	return &v1alpha1.Application{
		ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: appName(i)},
		Spec: v1alpha1.ApplicationSpec{
			Project:     v1alpha1.DefaultProject,
			Source:      &v1alpha1.ApplicationSource{RepoURL: url, Path: "apps/" + appName(i), TargetRevision: "main"},
			Destination: v1alpha1.ApplicationDestination{Server: "https://kubernetes.default.svc", Namespace: target},
			SyncPolicy:  &v1alpha1.SyncPolicy{Automated: &v1alpha1.AutomatedSync{Prune: true, SelfHeal: true}},
		},
	}
}

// seen is what a watch of one kind has shown, with the time at which it came.
type seen[T client.Object] struct {
	mu     sync.Mutex
	newest map[string]T
	waits  []wait[T]
}

// wait is somebody who waits for an object to be as they want it.
type wait[T client.Object] struct {
	done chan time.Time
	ok   func(all map[string]T) bool
}

// watch follows the objects of one kind, of which empty is one, in a namespace until ctx ends.
func watch[T client.Object](ctx context.Context, c *cluster, empty T, namespace string) (*seen[T], error) {
	s := &seen[T]{newest: map[string]T{}}
	objects, err := cache.New(c.config, cache.Options{Scheme: c.client.Scheme(), DefaultNamespaces: map[string]cache.Config{namespace: {}}})
	if err != nil {
		return nil, err
	}
	informer, err := objects.GetInformer(ctx, empty, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, err
	}
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { s.show(object, false) },
		UpdateFunc: func(_, object any) { s.show(object, false) },
		DeleteFunc: func(object any) { s.show(object, true) },
	}); err != nil {
		return nil, err
	}
	go func() { _ = objects.Start(ctx) }()
	if !objects.WaitForCacheSync(ctx) {
		return nil, ctx.Err()
	}
	return s, nil
}

func (s *seen[T]) show(shown any, gone bool) {
	now := time.Now()
	if last, ok := shown.(toolscache.DeletedFinalStateUnknown); ok {
		shown = last.Obj
	}
	object, ok := shown.(T)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest[object.GetName()] = object; gone {
		delete(s.newest, object.GetName())
	}
	kept := s.waits[:0]
	for _, w := range s.waits {
		if !w.ok(s.newest) {
			kept = append(kept, w)
			continue
		}
		w.done <- now
	}
	s.waits = kept
}

// expect returns a channel that gets the time at which ok holds.
func (s *seen[T]) expect(ok func(all map[string]T) bool) <-chan time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	done := make(chan time.Time, 1)
	if ok(s.newest) {
		done <- time.Now()
		return done
	}
	s.waits = append(s.waits, wait[T]{done, ok})
	return done
}

// outcomeTimeout bounds the wait for one outcome.
const outcomeTimeout = 30 * time.Minute

// at waits for the time that a channel of expect gets.
func at(ctx context.Context, what string, done <-chan time.Time) (time.Time, error) {
	timer := time.NewTimer(outcomeTimeout)
	defer timer.Stop()
	select {
	case t := <-done:
		return t, nil
	case <-timer.C:
		return time.Time{}, fmt.Errorf("waiting for %s: not there after %s", what, outcomeTimeout)
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}

// pollEvery is the time between two looks of until.
const pollEvery = 50 * time.Millisecond

// until polls a condition.
func until(ctx context.Context, timeout time.Duration, ok func(ctx context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		done, err := ok(ctx)
		if done || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
