package controller

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/cyan-cd/cyan/internal/informer"
)

// looks are what the API looks at clusters with.
type looks struct {
	clusters  *informer.Clusters
	informers *informer.Informers
}

// addLooks makes what the API looks at clusters with; kept reads the control namespace.
func addLooks(mgr manager.Manager, o Options, kept client.Reader) (looks, error) {
	clusters := &informer.Clusters{Reader: kept, Namespace: o.ControlNamespace, Home: mgr.GetConfig(), Programs: o.Programs, Scheme: mgr.GetScheme()}
	life, end := context.WithCancel(context.Background())
	l := looks{clusters: clusters, informers: informer.New(life, clusters)}
	l.informers.Judge = (&judges{reader: kept, namespace: o.ControlNamespace}).current
	err := mgr.Add(everywhere(func(ctx context.Context) error {
		defer end()
		<-ctx.Done()
		return nil
	}))
	if err != nil {
		end()
	}
	return l, err
}
