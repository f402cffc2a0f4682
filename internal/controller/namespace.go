package controller

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/controller/install"
	"github.com/cyan-cd/cyan/internal/controller/rollout"
)

// RunRollouts carries out the Rollouts of one namespace that have an instance ID, until ctx ends. Other controllers
// leave such Rollouts alone. ready is called once it does.
func RunRollouts(ctx context.Context, config *rest.Config, namespace, instance string, log *slog.Logger, ready func()) error {
	ctrl.SetLogger(logr.FromSlogHandler(log.Handler()))
	if err := install.CRDs(ctx, config); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Cache:   cache.Options{DefaultTransform: cache.TransformStripManagedFields(), DefaultNamespaces: map[string]cache.Config{namespace: {}}},
		Metrics: metricsserver.Options{BindAddress: "0"},
	})
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	if err := rollout.Setup(mgr, rollout.Options{InstanceID: instance}); err != nil {
		return err
	}
	err = mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		if mgr.GetCache().WaitForCacheSync(ctx) {
			ready()
		}
		return nil
	}))
	if err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("carrying out the Rollouts of namespace %s: %w", namespace, err)
	}
	return nil
}
