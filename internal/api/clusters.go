package api

import (
	"context"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/informer"
	"github.com/cyan-cd/cyan/internal/problem"
)

// clusterShown is a cluster without what is secret of it.
type clusterShown struct {
	Server          string          `json:"server"`
	Name            string          `json:"name"`
	Config          clusterConfig   `json:"config"`
	Info            clusterInfo     `json:"info"`
	ConnectionState connectionState `json:"connectionState"`
	ServerVersion   string          `json:"serverVersion,omitempty"`
	Namespaces      []string        `json:"namespaces,omitempty"`
	Project         string          `json:"project,omitempty"`
	ClusterWide     bool            `json:"clusterResources,omitempty"`
}

type clusterConfig struct {
	TLS struct {
		Insecure bool `json:"insecure"`
	} `json:"tlsClientConfig"`
}

type clusterInfo struct {
	ConnectionState   connectionState `json:"connectionState"`
	ServerVersion     string          `json:"serverVersion,omitempty"`
	ApplicationsCount int             `json:"applicationsCount"`
	CacheInfo         struct{}        `json:"cacheInfo"`
}

type clusterList struct {
	Body struct {
		Metadata listMetadata   `json:"metadata"`
		Items    []clusterShown `json:"items"`
	}
}

type clusterAnswer struct{ Body clusterShown }

// ClusterID names a cluster. It is exported for the library, which fills no other embedded fields.
type ClusterID struct {
	ID     string `path:"id" maxLength:"512" doc:"the server, escaped, or the name"`
	IDType string `query:"id.type" enum:"url,name,name_escaped" doc:"url when empty"`
}

type clusterInput struct{ ClusterID }

// clusterCalls are the calls about clusters.
type clusterCalls struct{ looked }

func (s clusterCalls) register() {
	tags := []string{"clusters"}
	register(s.service, huma.Operation{OperationID: "listClusters", Method: http.MethodGet, Path: "/api/v1/clusters", Summary: "The clusters that who asks may see", Tags: tags}, s.list)
	s.registerChanges(tags)
	register(s.service, huma.Operation{OperationID: "getCluster", Method: http.MethodGet, Path: "/api/v1/clusters/{id}", Summary: "A cluster", Tags: tags}, s.get)
	register(s.service, huma.Operation{OperationID: "invalidateClusterCache", Method: http.MethodPost, Path: "/api/v1/clusters/{id}/invalidate-cache", Summary: "Have a cluster connected anew by those who look at it", Tags: tags}, s.invalidate)
}

func clusterRequest(action string, r informer.Registered) access.Request {
	return access.Request{{{Resource: access.Clusters, Action: action, Object: access.ObjectOf(r.Project, r.Server)}}}
}

func (s clusterCalls) list(ctx context.Context, c *caller, in *struct {
	Server string `query:"server" maxLength:"512"`
	Name   string `query:"name" maxLength:"253"`
}) (*clusterList, error) {
	out := &clusterList{}
	var err error
	out.Body.Items, err = s.clustersOf(ctx, c, func(shown clusterShown) bool {
		return (in.Server == "" || in.Server == shown.Server) && (in.Name == "" || in.Name == shown.Name)
	})
	return out, err
}

// clustersOf returns the clusters that who asks may see and that are wanted.
func (s looked) clustersOf(ctx context.Context, c *caller, wanted func(clusterShown) bool) ([]clusterShown, error) {
	rights, err := c.mayAll()
	if err != nil {
		return nil, err
	}
	all, err := s.Clusters.List(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := s.applicationsByCluster(ctx)
	if err != nil {
		return nil, err
	}
	shown := []clusterShown{}
	var known []informer.Registered
	for _, r := range all {
		one := showCluster(r, counts)
		if rights.Decide(clusterRequest(access.Get, r)).Allowed && wanted(one) {
			shown, known = append(shown, one), append(known, r)
		}
	}
	var asking sync.WaitGroup
	for i := range shown {
		asking.Go(func() { s.ask(ctx, &shown[i], known[i]) })
	}
	asking.Wait()
	return shown, nil
}

// applicationsByCluster counts the Applications by what they call their cluster.
func (s looked) applicationsByCluster(ctx context.Context) (map[string]int, error) {
	var all v1alpha1.ApplicationList
	if err := s.listAll(ctx, &all); err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for i := range all.Items {
		d := all.Items[i].Spec.Destination
		if d.Server != "" {
			counts[d.Server]++
		} else {
			counts[d.Name]++
		}
	}
	return counts, nil
}

func showCluster(r informer.Registered, counts map[string]int) clusterShown {
	shown := clusterShown{Server: r.Server, Name: r.Name, Namespaces: r.Namespaces, Project: r.Project, ClusterWide: r.ClusterResources}
	shown.Info.ApplicationsCount = counts[r.Server]
	if r.Name != r.Server {
		shown.Info.ApplicationsCount += counts[r.Name]
	}
	if r.Config != nil {
		shown.Config.TLS.Insecure = r.Config.Insecure
	}
	return shown
}

// ask finds out whether a cluster answers; one that was asked a moment ago is not asked again.
func (s looked) ask(ctx context.Context, shown *clusterShown, r informer.Registered) {
	state := connectionState{Status: "Failed"}
	switch reached, err := s.Clusters.Reach(r); {
	case r.Err != nil:
		state.Message = r.Err.Error()
	case err != nil:
		state.Message = err.Error()
	default:
		answered := reached.Answer(ctx)
		state.AttemptedAt = &answered.At
		if shown.ServerVersion = answered.Version; answered.Err != nil {
			state.Message = answered.Err.Error()
		} else {
			state.Status = "Successful"
		}
	}
	shown.ConnectionState, shown.Info.ConnectionState, shown.Info.ServerVersion = state, state, shown.ServerVersion
}

// of returns the cluster that a call names, if the caller has a right to it; nothing is said of others.
func (s clusterCalls) of(ctx context.Context, c *caller, in *clusterInput, action string) (informer.Registered, error) {
	rights, err := c.mayAll()
	if err != nil {
		return informer.Registered{}, err
	}
	all, err := s.Clusters.List(ctx)
	if err != nil {
		return informer.Registered{}, err
	}
	for _, r := range all {
		named := r.Server == in.ID
		if in.IDType == "name" || in.IDType == "name_escaped" {
			named = r.Name == in.ID
		}
		if named && rights.Decide(clusterRequest(action, r)).Allowed {
			c.about = "cluster " + r.Server
			return r, nil
		}
	}
	if rights.Allowed(access.Call{Resource: access.Clusters, Action: action, Object: in.ID}) {
		return informer.Registered{}, &problem.Error{Kind: problem.Absent, Object: "cluster " + in.ID, Cause: "not registered", Remedy: "see the list of clusters"}
	}
	return informer.Registered{}, errDenied
}

func (s clusterCalls) show(ctx context.Context, r informer.Registered) (*clusterAnswer, error) {
	counts, err := s.applicationsByCluster(ctx)
	if err != nil {
		return nil, err
	}
	out := &clusterAnswer{showCluster(r, counts)}
	s.ask(ctx, &out.Body, r)
	return out, nil
}

func (s clusterCalls) get(ctx context.Context, c *caller, in *clusterInput) (*clusterAnswer, error) {
	r, err := s.of(ctx, c, in, access.Get)
	if err != nil {
		return nil, err
	}
	return s.show(ctx, r)
}

func (s clusterCalls) invalidate(ctx context.Context, c *caller, in *clusterInput) (*clusterAnswer, error) {
	r, err := s.of(ctx, c, in, access.Update)
	if err != nil {
		return nil, err
	}
	s.Clusters.Forget(r.Server)
	return s.show(ctx, r)
}
