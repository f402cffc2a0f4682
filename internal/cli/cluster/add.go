package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/problem"
)

type clusterAdd struct {
	*kit.Control
	name, serviceAccount, systemNamespace string
	endpoint, project, proxy              string
	namespaces                            []string
	labels, annotations                   []string
	clusterResources                      bool
	inCluster, upsert, yes                bool
	uncompressed                          bool
	exec                                  execFlags
}

func newAdd(a *kit.Control) *cobra.Command {
	o := &clusterAdd{Control: a}
	cmd := &cobra.Command{
		Use:   "add CONTEXT",
		Short: "Register the cluster of a kubeconfig's context",
		Long: `Register the cluster of a kubeconfig's context, so that Applications can be deployed to it.

It makes a service account with full rights on that cluster (unless --service-account names one), and keeps its token in a Secret beside the
Applications, on the cluster of the current context, once the cluster has accepted it.`,
		Example: `  cyan cluster add docker-desktop
  cyan cluster add staging --name staging --namespace shop -y`,
		Args:              kit.Exactly("the kubeconfig's context"),
		ValidArgsFunction: a.CompleteContexts,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "its name; that of the context if not given")
	f.StringVar(&o.serviceAccount, "service-account", "", "use this service account, which must exist, in place of making one")
	f.StringVar(&o.systemNamespace, "system-namespace", cluster.ManagerNamespace, "namespace of the service account")
	f.StringVar(&o.endpoint, "cluster-endpoint", "", "URL of its API server, where the controllers reach it by another than the kubeconfig's")
	f.StringVar(&o.project, "project", "", "only for Applications of this project")
	f.StringVar(&o.proxy, "proxy-url", "", "proxy to reach it by")
	f.StringArrayVar(&o.namespaces, "namespace", nil, "only this namespace of it; may be repeated")
	f.BoolVar(&o.clusterResources, "cluster-resources", false, "objects without a namespace as well, where --namespace is given")
	f.StringArrayVar(&o.labels, "label", nil, "KEY=VALUE on its Secret")
	f.StringArrayVar(&o.annotations, "annotation", nil, "KEY=VALUE on its Secret")
	f.BoolVar(&o.uncompressed, "disable-compression", false, "ask the API server for answers that are not compressed")
	o.exec.bind(cmd)
	f.BoolVar(&o.inCluster, "in-cluster", false, "reach the cluster, which Cyan runs in, by "+v1alpha1.InClusterServer)
	f.BoolVar(&o.upsert, "upsert", false, "change it if it is registered already")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	return cmd
}

func (o *clusterAdd) run(ctx context.Context, contextName string) error {
	if err := o.exec.check(); err != nil {
		return err
	}
	target, err := o.target(contextName)
	if err != nil {
		return err
	}
	if o.name == "" {
		o.name = contextName
	}
	control, err := o.Connect()
	if err != nil {
		return err
	}
	server := cmp.Or(o.endpoint, target.Host)
	if o.inCluster {
		server = v1alpha1.InClusterServer
	}
	existing, err := o.registered(ctx, control, server)
	if err != nil {
		return err
	}
	if o.exec.command != "" {
		return o.keep(ctx, control, existing, server, "", target)
	}
	if o.serviceAccount == "" {
		question := fmt.Sprintf("make a service account %q with full rights on the cluster of context %q (%s), for Cyan to deploy with?", cluster.ManagerAccount, contextName, target.Host)
		if err := o.Confirm(question, o.yes); err != nil {
			return err
		}
	}
	remote, err := client.NewWithWatch(target, client.Options{Scheme: kit.Scheme()})
	if err != nil {
		return o.Explain(err, "reaching the cluster of context "+contextName)
	}
	token, err := o.token(ctx, remote)
	if err != nil {
		return err
	}
	return o.keep(ctx, control, existing, server, token, target)
}

// keep writes the Secret of the cluster, once that opens it.
func (o *clusterAdd) keep(ctx context.Context, control client.Client, existing *corev1.Secret, server, token string, target *rest.Config) error {
	secret, err := o.secret(server, token, target)
	if err != nil {
		return err
	}
	if err := o.try(ctx, secret, target); err != nil {
		return err
	}
	if err := o.StoreSecret(ctx, control, existing, secret); err != nil {
		return err
	}
	return o.Say(fmt.Sprintf("cluster '%s' added as '%s'", server, o.name))
}

// target is how to reach the cluster of a context.
func (o *clusterAdd) target(contextName string) (*rest.Config, error) {
	if err := o.Kube.HasContext(contextName); err != nil {
		return nil, err
	}
	config, err := o.Kube.ForContext(contextName).Config()
	if err != nil {
		return nil, err
	}
	config.WarningHandler = rest.NoWarnings{}
	return config, nil
}

// registered returns the Secret of a cluster that is there already; nil when there is none.
func (o *clusterAdd) registered(ctx context.Context, c client.Client, server string) (*corev1.Secret, error) {
	all, err := List(ctx, o.Control, c)
	if err != nil {
		return nil, err
	}
	for _, cluster := range all {
		if cluster.Server != server && cluster.Name != o.name {
			continue
		}
		if !o.upsert && (cluster.Server != server || cluster.Name != o.name) {
			return nil, &problem.Error{
				Kind: problem.Refused, Object: "cluster " + cluster.Server, Cause: fmt.Sprintf("registered already, as %q", cluster.Name),
				Remedy: "add --upsert to change it, or give another --name",
			}
		}
		return cluster.secret, nil
	}
	return nil, nil
}

func (o *clusterAdd) secret(server string, token string, target *rest.Config) (*corev1.Secret, error) {
	config := cluster.Connection{BearerToken: token, ProxyURL: o.proxy, DisableCompression: o.uncompressed, Exec: o.exec.program(), TLS: cluster.TLS{
		Insecure: target.Insecure, ServerName: target.ServerName, CAData: target.CAData,
	}}
	if target.CAFile != "" && len(target.CAData) == 0 {
		data, err := os.ReadFile(target.CAFile)
		if err != nil {
			return nil, &problem.Error{Kind: problem.Refused, Object: "kubeconfig", Cause: "certificate authority: " + err.Error(), Err: err}
		}
		config.TLS.CAData = data
	}
	if target.Insecure {
		config.TLS.CAData = nil
	}
	data, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	secret := o.NewSecret(v1alpha1.SecretTypeCluster, "cluster", server, map[string][]byte{"name": []byte(o.name), "server": []byte(server), "config": data})
	if len(o.namespaces) > 0 {
		secret.Data["namespaces"] = []byte(strings.Join(o.namespaces, ","))
		secret.Data["clusterResources"] = fmt.Append(nil, o.clusterResources)
	}
	if o.project != "" {
		secret.Data["project"] = []byte(o.project)
	}
	if err := kit.Pairs(o.labels, func(k, v string) { secret.Labels[k] = v }); err != nil {
		return nil, kit.Usage("--label", err.Error(), "")
	}
	if err := kit.Pairs(o.annotations, func(k, v string) { secret.Annotations[k] = v }); err != nil {
		return nil, kit.Usage("--annotation", err.Error(), "")
	}
	return secret, nil
}
