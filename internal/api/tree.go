package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/informer"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/view"
)

// treeNode is an object of a tree, as clients of Argo CD's API read it.
type treeNode struct {
	ObjectRef
	ParentRefs      []ObjectRef     `json:"parentRefs,omitempty"`
	Info            []view.NodeInfo `json:"info,omitempty"`
	NetworkingInfo  *networkingInfo `json:"networkingInfo,omitempty"`
	ResourceVersion string          `json:"resourceVersion,omitempty"`
	Images          []string        `json:"images,omitempty"`
	Health          *treeHealth     `json:"health,omitempty"`
	CreatedAt       string          `json:"createdAt,omitempty"`
}

// ObjectRef names an object. It is exported for the library.
type ObjectRef struct {
	Group     string `json:"group,omitempty"`
	Version   string `json:"version,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
	UID       string `json:"uid,omitempty"`
}

type treeHealth struct {
	Status  v1alpha1.HealthStatusCode `json:"status"`
	Message string                    `json:"message,omitempty"`
}

type networkingInfo struct {
	TargetLabels map[string]string `json:"targetLabels,omitempty"`
	TargetRefs   []ObjectRef       `json:"targetRefs,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"`
	ExternalURLs []string          `json:"externalURLs,omitempty"`
}

type resourceTree struct {
	Nodes         []treeNode `json:"nodes"`
	OrphanedNodes []treeNode `json:"orphanedNodes"`
	Hosts         []struct{} `json:"hosts"`
	ShardsCount   int64      `json:"shardsCount"`
	Hidden        int        `json:"hidden,omitempty" doc:"nodes that are left out, the least troubled ones, of a tree that is too large"`
}

type treeAnswer struct{ Body resourceTree }

// ObjectFilter names objects of an Application; an empty field fits all. It is exported for the library.
type ObjectFilter struct {
	Namespace string `query:"namespace" maxLength:"63"`
	Of        string `query:"name" maxLength:"253" doc:"of the object; taken where the path has the Application's"`
	Version   string `query:"version" maxLength:"63"`
	Group     string `query:"group" maxLength:"253"`
	Kind      string `query:"kind" maxLength:"63"`
}

func (q ObjectFilter) fits(group, version, kind, namespace, name string) bool {
	return (q.Namespace == "" || q.Namespace == namespace) && (q.Of == "" || q.Of == name) && (q.Version == "" || q.Version == version) &&
		(q.Group == "" || q.Group == group) && (q.Kind == "" || q.Kind == kind)
}

type treeInput struct {
	ApplicationName
	ObjectFilter
}

// looked is what the calls share that look at what Applications have.
type looked struct{ *service }

// registerLooks adds the calls that look at what Applications have.
func registerLooks(s *service) {
	l := looked{s}
	trees{l}.register()
	objects{l}.register()
	resourceActions{l}.register()
	events{l}.register()
	logs{l}.register()
	changes{l}.register()
	watches{l}.register()
	projects{l}.register()
	clusterCalls{l}.register()
	registerRepositories(l)
	gpgKeyCalls{l}.register()
	certificateCalls{l}.register()
	badges{l}.register()
	abouts{l}.register()
}

// trees are the calls that show what an Application's objects own.
type trees struct{ looked }

func (s trees) register() {
	tags := []string{"applications"}
	register(s.service, huma.Operation{OperationID: "resourceTree", Method: http.MethodGet, Path: "/api/v1/applications/{name}/resource-tree", Summary: "The objects of an Application, and what they own", Tags: tags}, s.tree)
	register(s.service, huma.Operation{OperationID: "watchResourceTree", Method: http.MethodGet, Path: "/api/v1/stream/applications/{name}/resource-tree", Summary: "The objects of an Application and what they own, again whenever that has changed", Tags: tags}, s.watch)
}

func get(a access.Application) access.Request { return a.On(access.Get) }

func (s trees) tree(ctx context.Context, c *caller, in *treeInput) (*treeAnswer, error) {
	app, err := s.find(ctx, c, in.ApplicationName, get)
	if err != nil {
		return nil, err
	}
	nodes, hidden, err := s.nodes(ctx, app)
	if err != nil {
		return nil, err
	}
	return &treeAnswer{treeOf(nodes, hidden, in.ObjectFilter)}, nil
}

// nodes returns the tree of an Application as it is now.
func (s looked) nodes(ctx context.Context, app *v1alpha1.Application) ([]view.Node, int, error) {
	look, err := s.look(ctx, app)
	if err != nil {
		return nil, 0, err
	}
	defer look.Close()
	observed, err := look.Objects(ctx)
	if err != nil {
		return nil, 0, err
	}
	nodes, hidden := view.Tree(app, observed)
	return nodes, hidden, nil
}

// look has the namespaces of an Application watched, as far as its project permits them.
func (s looked) look(ctx context.Context, app *v1alpha1.Application) (*informer.Look, error) {
	within, err := s.permitted(ctx, app)
	if err != nil {
		return nil, err
	}
	return s.Informers.Look(ctx, app, func(namespace string) bool {
		return within.bounds.Hold(plan.Key{Kind: "Pod", Namespace: namespace, Name: "any"})
	})
}

// treeEvery bounds how often a tree is sent that changes all the time.
const treeEvery = 500 * time.Millisecond

func (s trees) watch(ctx context.Context, c *caller, in *treeInput) (*huma.StreamResponse, error) {
	find := func(ctx context.Context, c *caller) (*v1alpha1.Application, error) {
		return s.find(ctx, c, in.ApplicationName, get)
	}
	if _, err := find(ctx, c); err != nil {
		return nil, err
	}
	judge := func(ctx context.Context, c *caller) error {
		_, err := find(ctx, c)
		return err
	}
	return s.stream(c, judge, media{}, func(ctx context.Context, f *frames) error {
		changed, leave := s.Feed.wait()
		defer leave()
		for {
			app, err := find(ctx, s.again(ctx))
			if err != nil {
				return err
			}
			if goesOn, err := s.sendTree(ctx, f, app, in.ObjectFilter, changed); !goesOn {
				return err
			}
		}
	})
}

// sendTree sends a tree, and waits until it has changed.
func (s trees) sendTree(ctx context.Context, f *frames, app *v1alpha1.Application, filter ObjectFilter, changed <-chan struct{}) (goesOn bool, err error) {
	look, err := s.look(ctx, app)
	if err != nil {
		return false, err
	}
	defer look.Close()
	observed, err := look.Objects(ctx)
	if err != nil {
		return false, err
	}
	nodes, hidden := view.Tree(app, observed)
	if err := f.send(treeOf(nodes, hidden, filter)); err != nil {
		return false, err
	}
	select {
	case <-ctx.Done():
		return false, nil
	case <-changed:
	case <-look.Changed:
	}
	return pause(ctx, treeEvery), nil
}

// pause waits, and reports whether ctx still goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// treeOf returns a tree as clients read it.
func treeOf(nodes []view.Node, hidden int, filter ObjectFilter) resourceTree {
	byID := make(map[string]view.Node, len(nodes))
	for _, n := range nodes {
		byID[n.ID] = n
	}
	tree := resourceTree{Nodes: []treeNode{}, OrphanedNodes: []treeNode{}, Hosts: []struct{}{}, ShardsCount: 1, Hidden: hidden}
	for _, n := range nodes {
		if filter.fits(n.Group, n.Version, n.Kind, n.Namespace, n.Name) {
			tree.Nodes = append(tree.Nodes, treeNodeOf(n, byID))
		}
	}
	return tree
}

func treeNodeOf(n view.Node, byID map[string]view.Node) treeNode {
	o := n.Observed()
	t := treeNode{ObjectRef: refOf(n), Info: n.Info, ResourceVersion: o.ResourceVersion, Images: n.Images, CreatedAt: n.Created}
	if n.Health != "" {
		t.Health = &treeHealth{n.Health, n.Message}
	}
	if above, ok := byID[n.Parent]; ok {
		ref := refOf(above)
		ref.Version = ""
		t.ParentRefs = []ObjectRef{ref}
	}
	network := networkingInfo{TargetLabels: o.Selector(), Labels: o.Labels(), ExternalURLs: n.URLs}
	for _, service := range o.Backends() {
		network.TargetRefs = append(network.TargetRefs, ObjectRef{Kind: "Service", Namespace: n.Namespace, Name: service})
	}
	if len(network.TargetLabels)+len(network.Labels)+len(network.ExternalURLs)+len(network.TargetRefs) > 0 {
		t.NetworkingInfo = &network
	}
	return t
}

func refOf(n view.Node) ObjectRef {
	return ObjectRef{n.Group, n.Version, n.Kind, n.Namespace, n.Name, n.UID}
}
