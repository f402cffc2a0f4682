package images

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/pager"

	"github.com/cyan-cd/cyan/localcluster/internal/registry"
)

// Store is where a cluster has its images, and who uses them.
type Store struct {
	// Registry is its address.
	Registry string
	Account  registry.Account
	// Client is the configuration of a client of the cluster.
	Client *rest.Config
	// Socket is that of the node's containerd; empty where no node is real.
	Socket string
}

// Rows returns all images.
func (s Store) Rows(ctx context.Context) ([]Row, error) {
	held, err := registry.Images(ctx, s.Registry, s.Account)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(s.Client)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	pods, err := client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	var onNode []OnNode
	err = s.withNode(func(node *Node) error {
		onNode, err = node.List(ctx)
		return err
	})
	return Rows(held, onNode, UsageOf(pods.Items)), err
}

// Renew brings images of the node up to date that were loaded into the registry.
func (s Store) Renew(ctx context.Context, loaded []string) error {
	return s.withNode(func(node *Node) error { return node.Renew(ctx, loaded) })
}

// withNode calls do with the real node's images, when there is one.
func (s Store) withNode(do func(*Node) error) error {
	if s.Socket == "" {
		return nil
	}
	node, err := OpenNode(s.Socket)
	if err != nil {
		return err
	}
	defer node.Close()
	return do(node)
}

// Remove carries a plan out, and returns how many bytes of disk the registry has freed.
func (s Store) Remove(ctx context.Context, plan Plan) (freed int64, err error) {
	if freed, err = registry.Remove(ctx, s.Registry, s.Account, plan.Registry); err != nil {
		return 0, err
	}
	return freed, s.withNode(func(node *Node) error {
		for _, id := range plan.Node {
			if err := node.Remove(ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// Prunable returns the plan by which the images of a scope go that nothing in the cluster needs.
func (s Store) Prunable(ctx context.Context, scope Scope) (Plan, error) {
	// What is pushed after this is not in the plan; what is named after this was named before by what names it.
	rows, err := s.Rows(ctx)
	if err != nil {
		return Plan{}, err
	}
	mentions := NewMentions(rows)
	if err := s.readObjects(ctx, mentions); err != nil {
		return Plan{}, err
	}
	return PlanPrune(rows, mentions, scope), nil
}

// Tidy removes what crowds the registry, again and again, until ctx ends.
func (s Store) Tidy(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.tidy(ctx); err != nil && ctx.Err() == nil {
				slog.Warn("images that were replaced could not be removed", "cause", err.Error())
			}
		}
	}
}

func (s Store) tidy(ctx context.Context) error {
	held, err := registry.Images(ctx, s.Registry, s.Account)
	if err != nil || !Crowded(held) {
		return err
	}
	plan, err := s.Prunable(ctx, Crowding)
	if err != nil || len(plan.Names) == 0 {
		return err
	}
	freed, err := s.Remove(ctx, plan)
	if err != nil {
		return err
	}
	slog.Info("images were removed that lost their tags to others", "images", len(plan.Names), "bytes", freed)
	return nil
}

// metricsGroup is that of what is measured anew each time.
const metricsGroup = "metrics.k8s.io"

// unread are resources that name images which nobody needs for it.
var unread = []schema.GroupResource{{Resource: "events"}, {Group: "events.k8s.io", Resource: "events"}, {Resource: "nodes"}}

// readObjects reads every object of the cluster. An object that cannot be read may need any image, and is an error.
func (s Store) readObjects(ctx context.Context, mentions *Mentions) error {
	discoverer, err := discovery.NewDiscoveryClientForConfig(s.Client)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	client, err := dynamic.NewForConfig(s.Client)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	lists, err := discoverer.ServerPreferredResources()
	if err != nil && !onlyMetrics(err) {
		return fmt.Errorf("finding out which kinds there are: %w", err)
	}
	for _, list := range lists {
		group, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return fmt.Errorf("finding out which kinds there are: %w", err)
		}
		for _, r := range list.APIResources {
			resource := group.WithResource(r.Name)
			if group.Group == metricsGroup || !slices.Contains(r.Verbs, "list") || slices.Contains(unread, resource.GroupResource()) {
				continue
			}
			if err := readAll(ctx, client.Resource(resource), mentions); err != nil {
				return fmt.Errorf("reading %s: %w", resource.GroupResource(), err)
			}
		}
	}
	return nil
}

// onlyMetrics reports whether nothing is unknown but what is measured, as until the first of it is.
func onlyMetrics(err error) bool {
	var failed *discovery.ErrGroupDiscoveryFailed
	if !errors.As(err, &failed) {
		return false
	}
	for group := range failed.Groups {
		if group.Group != metricsGroup {
			return false
		}
	}
	return true
}

func readAll(ctx context.Context, client dynamic.ResourceInterface, mentions *Mentions) error {
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return client.List(ctx, options)
	})
	err := pages.EachListItem(ctx, metav1.ListOptions{}, func(object runtime.Object) error {
		one, ok := object.(*unstructured.Unstructured)
		if !ok {
			return fmt.Errorf("%T was not expected", object)
		}
		mentions.Read(one.GetKind(), textOf(one))
		return nil
	})
	if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
		return nil // its definition has gone, or it is not one that is kept
	}
	return err
}

// textOf is all that an object holds, what a Secret has in it as well: Helm keeps the manifests of releases there.
func textOf(object *unstructured.Unstructured) string {
	var all strings.Builder
	write(&all, object.Object)
	if object.GetKind() == "Secret" {
		values, _, _ := unstructured.NestedStringMap(object.Object, "data")
		for _, value := range values {
			all.WriteString(revealed(value))
			all.WriteByte('\n')
		}
	}
	return all.String()
}

// write writes all texts of a value, each in lines of its own.
func write(to *strings.Builder, value any) {
	switch value := value.(type) {
	case string:
		to.WriteString(value)
		to.WriteByte('\n')
	case []any:
		for _, one := range value {
			write(to, one)
		}
	case map[string]any:
		for key, one := range value {
			write(to, key)
			write(to, one)
		}
	}
}

// most is how much of a value that was packed is read.
const most = 16 << 20

// revealed is a value of a Secret, through the packing that Helm gives it.
func revealed(value string) string {
	data, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return value
	}
	inner, err := base64.StdEncoding.DecodeString(string(data))
	if err != nil {
		return string(data)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(inner))
	if err != nil {
		return string(data)
	}
	text, err := io.ReadAll(io.LimitReader(unpacked, most))
	if err != nil {
		return string(data)
	}
	return string(text)
}
