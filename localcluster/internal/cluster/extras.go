package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/localcluster/internal/images"
	"github.com/cyan-cd/cyan/localcluster/internal/ingress"
	"github.com/cyan-cd/cyan/localcluster/internal/leftout"
	"github.com/cyan-cd/cyan/localcluster/internal/metrics"
	"github.com/cyan-cd/cyan/localcluster/internal/parts"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
	"github.com/cyan-cd/cyan/localcluster/internal/volumes"
)

const (
	// Storage is the default StorageClass.
	Storage = "storage"
	// Metrics is the metrics API, for `kubectl top` and HorizontalPodAutoscalers.
	Metrics = "metrics"
	// Ingress is what serves Ingresses and Gateways.
	Ingress = "ingress"
	// Gateway is the second of these alone.
	Gateway = "gateway"
	// Egress is the way of pods to this machine and to other networks.
	Egress = "egress"
)

// Extras are what a cluster has beside Kubernetes itself, by the names by which they are left out.
var Extras = []string{Storage, Metrics, Ingress, Gateway, Egress}

// CheckExtras returns an error for a name that none of the extras has.
func CheckExtras(names []string) error {
	for _, name := range names {
		if !slices.Contains(Extras, name) {
			return fmt.Errorf("--without is %q: there is %s", name, strings.Join(Extras, ", "))
		}
	}
	return nil
}

// startExtras starts what the cluster has beside Kubernetes, and tells tools where its registry is.
func (s *supervisor) startExtras(ctx context.Context, run *startup) error {
	config, err := adminConfig(s.dir)
	if err != nil {
		return err
	}
	config.ContentType = "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if err := tellRegistry(ctx, client, s.registryPort.address()); err != nil {
		return err
	}
	if s.record.LeftOut(Ingress) {
		if err := ingress.Remove(ctx, client); err != nil {
			return err
		}
	}
	if err := leaveGateways(ctx, config, s.dir, s.record); err != nil {
		return err
	}
	if s.record.LeftOut(Storage) {
		err = volumes.RemoveClass(ctx, client)
	} else {
		err = startVolumes(ctx, client, s.dir, run)
	}
	if err != nil {
		return err
	}
	startLeftOut(client, s.dir, s.record, run)
	startTidying(s, run, config)
	if run.metrics == nil {
		return metrics.Unregister(ctx, config)
	}
	return metrics.Register(ctx, config, *run.metrics)
}

// startLeftOut makes events of what waits for an extra that is left out, or asks for what no local cluster has.
func startLeftOut(client kubernetes.Interface, dir state.Dir, record state.Record, run *startup) {
	var extras leftout.Extras
	if record.LeftOut(Storage) {
		extras.StorageClass, extras.StorageRemedy = volumes.ClassName, haveAgain(dir, record, Storage)+", or name a StorageClass of your own"
	}
	if record.LeftOut(Ingress) {
		extras.IngressClasses, extras.IngressRemedy = ingress.Classes, haveAgain(dir, record, Ingress)+", or name an IngressClass of your own"
	}
	if record.LeftOut(Metrics) {
		extras.Metrics, extras.MetricsRemedy = true, haveAgain(dir, record, Metrics)
	}
	if extras.Network = record.Mode == state.Real; len(record.Without) == 0 && !extras.Network {
		return
	}
	run.goOn(func(ctx context.Context) {
		if err := leftout.Run(ctx, client, extras); err != nil {
			slog.Warn("what waits for extras that are left out is not told", "cause", err.Error())
		}
	})
}

// tidyEvery is how often it is looked whether images that were replaced crowd the registry.
const tidyEvery = 5 * time.Minute

// startTidying removes images that were replaced, and that nothing in the cluster needs, as long as it runs.
func startTidying(s *supervisor, run *startup, admin *rest.Config) {
	client := rest.CopyConfig(admin)
	client.ContentType, client.WarningHandler = runtime.ContentTypeJSON, rest.NoWarnings{} // what it reads is of any kind
	store := images.Store{Registry: s.registryPort.address(), Account: s.account, Client: client}
	if s.record.Mode == state.Real {
		store.Socket = s.dir.Socket(parts.Containerd)
	}
	run.goOn(func(ctx context.Context) { store.Tidy(ctx, tidyEvery) })
}

// goOn does something until the cluster stops.
func (r *startup) goOn(do func(context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(ctx)
	}()
	r.stops = append(r.stops, func() {
		stop()
		<-done
	})
}

// leaveGateways marks the Gateways that nobody serves where they are left out.
func leaveGateways(ctx context.Context, config *rest.Config, dir state.Dir, record state.Record) error {
	for _, extra := range []string{Ingress, Gateway, Egress} {
		if record.LeftOut(extra) {
			return ingress.LeaveGateways(ctx, config, "the cluster was started without "+extra+", which serves Gateways; "+haveAgain(dir, record, extra))
		}
	}
	return nil
}

// haveAgain is how to have an extra again, with the others as they are.
func haveAgain(dir state.Dir, record state.Record, extra string) string {
	rest := slices.DeleteFunc(slices.Clone(record.Without), func(name string) bool { return name == extra })
	return fmt.Sprintf("run `cyan local down --dir %[1]s && cyan local up --dir %[1]s --without %[2]q`", state.ShellWord(dir.Path), strings.Join(rest, ","))
}

func startVolumes(ctx context.Context, client kubernetes.Interface, dir state.Dir, run *startup) error {
	if err := volumes.EnsureClass(ctx, client); err != nil {
		return err
	}
	run.goOn(func(ctx context.Context) { volumes.Run(ctx, client, dir.Data("volumes")) })
	return nil
}

const (
	registryMapName = "local-registry-hosting"
	registryMapKey  = "localRegistryHosting.v1"
)

// tellRegistry writes where the registry is, as tools look for the one of a local cluster (KEP 1755).
func tellRegistry(ctx context.Context, client kubernetes.Interface, address string) error {
	text := fmt.Sprintf("host: %q\nhostFromContainerRuntime: %q\nhelp: \"https://github.com/cyan-cd/cyan/blob/main/docs/local-cluster.md\"\n", address, address)
	maps := client.CoreV1().ConfigMaps(metav1.NamespacePublic)
	wanted := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: registryMapName}, Data: map[string]string{registryMapKey: text}}
	_, err := maps.Create(ctx, wanted, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = maps.Update(ctx, wanted, metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("writing ConfigMap %s: %w", registryMapName, err)
	}
	return nil
}
