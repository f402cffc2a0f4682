package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/informer"
	"github.com/cyan-cd/cyan/internal/patch"
	"github.com/cyan-cd/cyan/internal/problem"
	urls "github.com/cyan-cd/cyan/internal/repository"
)

// connectionSent is how a cluster is reached, with what is secret of it.
type connectionSent struct{ cluster.Connection }

// Schema is that of an object whose fields the documentation of cluster Secrets has.
func (connectionSent) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Description: "config as a cluster Secret has it: bearerToken, tlsClientConfig …", AdditionalProperties: true}
}

// UnmarshalJSON reads a connection. A field that there is not is an error.
func (c *connectionSent) UnmarshalJSON(data []byte) error { return decode(data, &c.Connection) }

// MarshalJSON writes the connection.
func (c connectionSent) MarshalJSON() ([]byte, error) { return json.Marshal(c.Connection) }

// hasCredentials reports whether something is sent by which one is let in.
func (c connectionSent) hasCredentials() bool {
	return c.Username != "" || c.Password != "" || c.BearerToken != "" || c.Exec != nil || c.AWS != nil || len(c.TLS.CertData)+len(c.TLS.KeyData) > 0
}

// writtenCluster is a cluster as somebody sends it. What is left out of a change stays as it is.
type writtenCluster struct {
	Server           string            `json:"server,omitempty" maxLength:"512"`
	Name             string            `json:"name,omitempty" maxLength:"253"`
	Config           *connectionSent   `json:"config,omitempty"`
	Namespaces       []string          `json:"namespaces,omitempty" maxItems:"1000" nullable:"true"`
	ClusterResources *bool             `json:"clusterResources,omitempty"`
	Project          string            `json:"project,omitempty" maxLength:"253"`
	Labels           map[string]string `json:"labels,omitempty"`
	Annotations      map[string]string `json:"annotations,omitempty"`

	Shard           *int64 `json:"shard,omitempty" doc:"taken, and of no effect"`
	Info            any    `json:"info,omitempty" doc:"taken, and of no effect, as it is sent"`
	ConnectionState any    `json:"connectionState,omitempty" doc:"taken, and of no effect, as it is sent"`
	ServerVersion   string `json:"serverVersion,omitempty" doc:"taken, and of no effect, as it is sent"`
	Refresh         string `json:"refreshRequestedAt,omitempty" doc:"taken, and of no effect"`
}

type createClusterInput struct {
	Upsert bool `query:"upsert" doc:"change one that is there already and differs"`
	Body   writtenCluster
}

type updateClusterInput struct {
	ClusterID
	UpdatedFields []string `query:"updatedFields,explode" maxItems:"20" enum:"name,namespaces,config,labels,annotations,clusterResources,project,shard" doc:"those that are replaced, also by nothing; all that are sent when empty"`
	Body          writtenCluster
}

func (s clusterCalls) registerChanges(tags []string) {
	const one = "/api/v1/clusters/{id}"
	register(s.service, huma.Operation{OperationID: "createCluster", Method: http.MethodPost, Path: "/api/v1/clusters", Summary: "Register a cluster, which has to answer", Tags: tags}, s.create)
	register(s.service, huma.Operation{OperationID: "updateCluster", Method: http.MethodPut, Path: one, Summary: "Change what is kept of a cluster, which has to answer", Tags: tags}, s.update)
	register(s.service, huma.Operation{OperationID: "deleteCluster", Method: http.MethodDelete, Path: one, Summary: "Forget a cluster; what runs there stays", Tags: tags}, s.delete)
	register(s.service, huma.Operation{OperationID: "rotateClusterAuth", Method: http.MethodPost, Path: one + "/rotate-auth", Summary: "Have a cluster reached by a new token of its service account, and the old one forgotten", Tags: tags}, s.rotate)
}

// into changes the Secret of a cluster to what was sent; the fields that are named, also to nothing.
func (w writtenCluster) into(secret *corev1.Secret, fields []string) error {
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	set := func(name, value string, sent bool) {
		named := slices.Contains(fields, name)
		switch {
		case named && value == "":
			delete(secret.Data, name)
		case named, sent && len(fields) == 0:
			secret.Data[name] = []byte(value)
		}
	}
	set("name", w.Name, w.Name != "")
	set("project", w.Project, w.Project != "")
	set("namespaces", strings.Join(w.Namespaces, ","), w.Namespaces != nil)
	set("clusterResources", strconv.FormatBool(w.ClusterResources != nil && *w.ClusterResources), w.ClusterResources != nil)
	if len(fields) == 0 || slices.Contains(fields, "labels") {
		secret.Labels = merged(merged(secret.Labels, w.Labels), map[string]string{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeCluster})
	}
	if len(fields) == 0 || slices.Contains(fields, "annotations") {
		secret.Annotations = merged(secret.Annotations, w.Annotations)
	}
	if w.Config == nil || len(fields) > 0 && !slices.Contains(fields, "config") {
		return nil
	}
	config, err := w.config(secret.Data["config"], len(fields) > 0)
	if err == nil {
		secret.Data["config"] = config
	}
	return err
}

// config returns how a cluster is reached by what was sent. A config without credentials, as it is shown, leaves those
// that are there, unless it is to be replaced whole.
func (w writtenCluster) config(before []byte, whole bool) ([]byte, error) {
	sent, err := json.Marshal(w.Config)
	if err != nil || whole || len(before) == 0 || w.Config.hasCredentials() {
		return sent, err
	}
	if w.Config.ProxyURL != "" {
		return nil, &problem.Error{Kind: problem.Usage, Object: "config.proxyUrl", Cause: "sent without credentials, and those that are kept go by no other way", Remedy: "send it with them"}
	}
	kept, tls := map[string]any{}, map[string]any{}
	if err := json.Unmarshal(before, &kept); err != nil {
		return nil, &problem.Error{Kind: problem.Usage, Object: "config", Cause: "what is kept of it is invalid", Remedy: "send it with updatedFields=config and the credentials"}
	}
	if there, ok := kept["tlsClientConfig"].(map[string]any); ok {
		tls = there
	}
	tls["insecure"] = w.Config.TLS.Insecure
	if w.Config.TLS.Insecure {
		delete(tls, "caData")
	}
	if len(w.Config.TLS.CAData) > 0 {
		tls["caData"] = w.Config.TLS.CAData
	}
	if w.Config.TLS.ServerName != "" {
		tls["serverName"] = w.Config.TLS.ServerName
	}
	kept["tlsClientConfig"], kept["disableCompression"] = tls, w.Config.DisableCompression
	return json.Marshal(kept)
}

// keep checks a cluster, has it answer, and writes its Secret.
func (s clusterCalls) keep(ctx context.Context, secret *corev1.Secret, write func() error) (*clusterAnswer, error) {
	spec, err := cluster.FromSecret(secret, s.Clusters.Programs)
	if err != nil {
		_, cause, _ := strings.Cut(err.Error(), ": ")
		return nil, &problem.Error{Kind: problem.Usage, Object: "cluster", Cause: cause, Remedy: "correct it"}
	}
	if spec.Server == v1alpha1.InClusterServer {
		spec.Config = s.Clusters.Home
	} else if answer := s.Clusters.Try(ctx, spec); answer.Err != nil {
		return nil, &problem.Error{Kind: problem.Usage, Object: "cluster " + spec.Server, Cause: answer.Err.Error(), Remedy: "correct its server and config"}
	}
	if err := write(); err != nil {
		return nil, err
	}
	return s.show(ctx, informer.Registered{Cluster: spec, Secret: secret})
}

func (s clusterCalls) create(ctx context.Context, c *caller, in *createClusterInput) (*clusterAnswer, error) {
	sent := in.Body
	sent.Server = strings.TrimRight(sent.Server, "/")
	if err := c.allow(clusterRequest(access.Create, informer.Registered{Cluster: cluster.Cluster{Server: sent.Server, Project: sent.Project}})); err != nil {
		return nil, err
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: s.Namespace, Name: urls.SecretName("cluster", sent.Server, ""), Annotations: map[string]string{"managed-by": "argocd.argoproj.io"},
	}, Data: map[string][]byte{"server": []byte(sent.Server), "name": []byte(sent.Server)}}
	if err := sent.into(secret, nil); err != nil {
		return nil, err
	}
	all, err := s.Clusters.List(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(r informer.Registered) bool { return r.Server == sent.Server }); i >= 0 && all[i].Secret != nil {
		return s.upsert(ctx, c, all[i], sent, in.Upsert)
	} else if i >= 0 {
		// The cluster that the server runs in serves all until somebody keeps limits of it.
		if err := c.allow(clusterRequest(access.Create, all[i])); err != nil {
			return nil, err
		}
	}
	if err := nameIsFree(all, secret); err != nil {
		return nil, err
	}
	return s.keep(ctx, secret, func() error { return s.Writer.Create(ctx, secret) })
}

// nameIsFree refuses a cluster by whose name others go elsewhere: a destination that names two is none.
func nameIsFree(all []informer.Registered, secret *corev1.Secret) error {
	name, server := string(secret.Data["name"]), string(secret.Data["server"])
	for i, r := range all {
		// The one that the server runs in has two names.
		if strings.TrimRight(server, "/") != r.Server && (name == r.Name || i == 0 && name == v1alpha1.InClusterName) {
			return &problem.Error{Kind: problem.Usage, Object: "name", Cause: fmt.Sprintf("%q is another cluster's", name), Remedy: "choose another name"}
		}
	}
	return nil
}

// upsert brings a cluster that is there to what was sent, when that is asked for.
func (s clusterCalls) upsert(ctx context.Context, c *caller, r informer.Registered, sent writtenCluster, may bool) (*clusterAnswer, error) {
	// That it is there is known to who may see it.
	if err := c.allow(clusterRequest(access.Get, r)); err != nil {
		return nil, errDenied
	}
	wanted := r.Secret.DeepCopy()
	if err := sent.into(wanted, nil); err != nil {
		return nil, err
	}
	if equality.Semantic.DeepEqual(r.Secret, wanted) {
		return s.show(ctx, r)
	}
	if !may {
		return nil, &problem.Error{Kind: problem.Usage, Object: "cluster " + r.Server, Cause: "existing cluster spec is different; use upsert flag to force update", Remedy: "send it with upsert=true"}
	}
	return s.change(ctx, c, r, sent, nil)
}

func (s clusterCalls) update(ctx context.Context, c *caller, in *updateClusterInput) (*clusterAnswer, error) {
	r, err := s.of(ctx, c, &clusterInput{in.ClusterID}, access.Update)
	if err != nil {
		return nil, err
	}
	if server := strings.TrimRight(in.Body.Server, "/"); server != "" && server != r.Server {
		return nil, &problem.Error{Kind: problem.Usage, Object: "server", Cause: "another one than that of the cluster of the path", Remedy: "register it as another cluster"}
	}
	return s.change(ctx, c, r, in.Body, in.UpdatedFields)
}

// change writes what was sent of a cluster into its Secret. One that goes to another project needs the right to create
// it there.
func (s clusterCalls) change(ctx context.Context, c *caller, r informer.Registered, sent writtenCluster, fields []string) (*clusterAnswer, error) {
	if err := c.allow(clusterRequest(access.Update, r)); err != nil {
		return nil, err
	}
	if r.Secret == nil {
		return nil, &problem.Error{Kind: problem.Usage, Object: "cluster " + r.Server, Cause: "nothing is kept of the cluster that the server runs in", Remedy: "register it first, as a new one"}
	}
	after := r.Secret.DeepCopy()
	if err := sent.into(after, fields); err != nil {
		return nil, err
	}
	moved := r
	if moved.Project = string(after.Data["project"]); moved.Project != r.Project {
		if err := c.allow(clusterRequest(access.Create, moved)); err != nil {
			return nil, err
		}
	}
	if equality.Semantic.DeepEqual(r.Secret, after) {
		return s.show(ctx, r)
	}
	all, err := s.Clusters.List(ctx)
	if err != nil {
		return nil, err
	}
	if err := nameIsFree(all, after); err != nil {
		return nil, err
	}
	return s.keep(ctx, after, func() error {
		return s.Writer.Patch(ctx, after, client.MergeFromWithOptions(r.Secret, client.MergeFromWithOptimisticLock{}))
	})
}

func (s clusterCalls) delete(ctx context.Context, c *caller, in *clusterInput) (*nothing, error) {
	r, err := s.of(ctx, c, in, access.Delete)
	if err != nil {
		return nil, err
	}
	if r.Secret == nil {
		return nil, &problem.Error{Kind: problem.Usage, Object: "cluster " + r.Server, Cause: "nothing is kept of the cluster that the server runs in", Remedy: "have projects deny it as a destination"}
	}
	return &nothing{}, patch.DeleteSeen(ctx, s.Writer, r.Secret)
}

func (s clusterCalls) rotate(ctx context.Context, c *caller, in *clusterInput) (*nothing, error) {
	r, err := s.of(ctx, c, in, access.Update)
	if err != nil {
		return nil, err
	}
	switch {
	case r.Secret == nil:
		return nil, &problem.Error{Kind: problem.Usage, Object: "cluster " + r.Server, Cause: "nothing is kept of the cluster that the server runs in", Remedy: "register it first, as a new one"}
	case r.Err != nil:
		return nil, &problem.Error{Kind: problem.Refused, Object: "cluster " + r.Server, Cause: r.Err.Error(), Remedy: "correct its Secret", Err: r.Err}
	}
	_, err = cluster.Rotation{Control: s.Writer, Secret: r.Secret, Config: r.Config, Connect: s.Clusters.Watching}.Run(ctx)
	if err != nil && problem.Of(err) == nil && !apierrors.IsConflict(err) {
		return nil, &problem.Error{Kind: problem.Refused, Object: "cluster " + r.Server, Cause: err.Error(), Remedy: "see what its service account may do, and try again", Err: err}
	}
	return &nothing{}, err
}
