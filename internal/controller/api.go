package controller

import (
	"context"
	"fmt"
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/api"
	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/page"
	"github.com/cyan-cd/cyan/internal/server"
	"github.com/cyan-cd/cyan/ui"
)

// API is where the HTTP API is served.
type API struct {
	Listener net.Listener
	// Insecure is set where that is plain HTTP.
	Insecure bool
	// Version is that of the program.
	Version string
}

// addAPI serves the HTTP API, on copies that stand by as well.
func addAPI(mgr manager.Manager, o Options) error {
	direct, err := client.New(mgr.GetConfig(), client.Options{Scheme: mgr.GetScheme()})
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", mgr.GetConfig().Host, err)
	}
	// Accounts, policies and their Secrets are read for each call, of the control namespace alone.
	settings, err := cache.New(mgr.GetConfig(), cache.Options{
		Scheme: mgr.GetScheme(), DefaultNamespaces: map[string]cache.Config{o.ControlNamespace: {}}, DefaultTransform: cache.TransformStripManagedFields(),
	})
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", mgr.GetConfig().Host, err)
	}
	if err := mgr.Add(everywhere(settings.Start)); err != nil {
		return err
	}
	files, err := page.New(ui.Files, "/")
	if err != nil {
		return fmt.Errorf("reading the page: %w", err)
	}
	kept := auth.ClusterObjects{Client: direct, Cache: settings, Namespace: o.ControlNamespace}
	policies := api.NewPolicies(settings, o.ControlNamespace, o.Log)
	handler := api.Handler(api.Options{
		Auth:     auth.New(auth.Options{Objects: kept, Now: time.Now, Cookies: auth.Cookies{Insecure: o.API.Insecure}, Scopes: policies.Scopes}),
		Policies: policies, Reader: mgr.GetClient(), Writer: direct, Namespace: o.ControlNamespace, Version: o.API.Version, Log: o.Log.With("server", "api"), Page: files,
	})
	return mgr.Add(everywhere(func(ctx context.Context) error {
		for _, kind := range []client.Object{&corev1.ConfigMap{}, &corev1.Secret{}, &v1alpha1.AppProject{}} {
			if _, err := settings.GetInformer(ctx, kind); err != nil {
				return fmt.Errorf("reading the accounts and policies of namespace %s: %w", o.ControlNamespace, err)
			}
		}
		if err := (auth.Accounts{Objects: kept, Now: time.Now}).Ensure(ctx); err != nil {
			return fmt.Errorf("making what accounts of namespace %s need: %w", o.ControlNamespace, err)
		}
		return server.Serve(ctx, o.API.Listener, handler)
	}))
}
