package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cluster"
)

// registeredCluster is a cluster that Applications can be deployed to.
type registeredCluster struct {
	Name       string `json:"name"`
	Server     string `json:"server"`
	Namespaces string `json:"namespaces,omitempty"`
	Project    string `json:"project,omitempty"`

	secret *corev1.Secret
}

func newClusterCommand(e *env) *cobra.Command {
	a := &apps{env: e}
	cmd := &cobra.Command{
		Use:     "cluster",
		Aliases: []string{"clusters"},
		Short:   "Clusters that Applications are deployed to",
		Example: `  cyan cluster add docker-desktop
  cyan cluster list`,
	}
	a.bind(cmd)
	cmd.AddCommand(newClusterAdd(a), newClusterList(a), newClusterRemove(a), newClusterGet(a))
	return cmd
}

func (a *apps) listClusters(ctx context.Context, c client.Client) ([]registeredCluster, error) {
	secrets, err := a.secrets(ctx, c, v1alpha1.SecretTypeCluster)
	if err != nil {
		return nil, err
	}
	var all []registeredCluster
	for i := range secrets {
		s := &secrets[i]
		all = append(all, registeredCluster{
			Name: string(s.Data["name"]), Server: string(s.Data["server"]), Namespaces: string(s.Data["namespaces"]), Project: string(s.Data["project"]), secret: s,
		})
	}
	slices.SortFunc(all, func(x, y registeredCluster) int { return strings.Compare(x.Name, y.Name) })
	return all, nil
}

// secrets lists the Secrets of one of the SecretType values.
func (a *apps) secrets(ctx context.Context, c client.Client, kind string) ([]corev1.Secret, error) {
	list := &corev1.SecretList{}
	if err := c.List(ctx, list, client.InNamespace(a.namespace), client.MatchingLabels{v1alpha1.SecretTypeLabel: kind}); err != nil {
		return nil, a.explain(err, "listing the Secrets of type "+kind)
	}
	return list.Items, nil
}

type clusterAdd struct {
	*apps
	name, serviceAccount, systemNamespace string
	endpoint, project, proxy              string
	namespaces                            []string
	labels, annotations                   []string
	clusterResources                      bool
	inCluster, upsert, yes                bool
}

func newClusterAdd(a *apps) *cobra.Command {
	o := &clusterAdd{apps: a}
	cmd := &cobra.Command{
		Use:   "add CONTEXT",
		Short: "Register the cluster of a kubeconfig's context",
		Long: `Register the cluster of a kubeconfig's context, so that Applications can be deployed to it.

It makes a service account with full rights on that cluster (unless --service-account names one), and keeps its token in a Secret beside the
Applications, on the cluster of the current context.`,
		Example: `  cyan cluster add docker-desktop
  cyan cluster add staging --name staging --namespace shop -y`,
		Args:              exactly("the kubeconfig's context"),
		ValidArgsFunction: a.completeContexts,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "its name; that of the context if not given")
	f.StringVar(&o.serviceAccount, "service-account", "", "use this service account, which must exist, in place of making one")
	f.StringVar(&o.systemNamespace, "system-namespace", "kube-system", "namespace of the service account")
	f.StringVar(&o.endpoint, "cluster-endpoint", "", "URL of its API server, where the controllers reach it by another than the kubeconfig's")
	f.StringVar(&o.project, "project", "", "only for Applications of this project")
	f.StringVar(&o.proxy, "proxy-url", "", "proxy to reach it by")
	f.StringArrayVar(&o.namespaces, "namespace", nil, "only this namespace of it; may be repeated")
	f.BoolVar(&o.clusterResources, "cluster-resources", false, "objects without a namespace as well, where --namespace is given")
	f.StringArrayVar(&o.labels, "label", nil, "KEY=VALUE on its Secret")
	f.StringArrayVar(&o.annotations, "annotation", nil, "KEY=VALUE on its Secret")
	f.BoolVar(&o.inCluster, "in-cluster", false, "it is the cluster that Cyan runs in: reach it by "+v1alpha1.InClusterServer)
	f.BoolVar(&o.upsert, "upsert", false, "change it if it is registered already")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	return cmd
}

func (o *clusterAdd) run(ctx context.Context, contextName string) error {
	target, err := o.target(contextName)
	if err != nil {
		return err
	}
	if o.name == "" {
		o.name = contextName
	}
	control, err := o.connect()
	if err != nil {
		return err
	}
	server := orWords(o.endpoint, target.Host)
	if o.inCluster {
		server = v1alpha1.InClusterServer
	}
	existing, err := o.registered(ctx, control, server)
	if err != nil {
		return err
	}
	if o.serviceAccount == "" {
		question := fmt.Sprintf("make a service account %q with full rights on the cluster of context %q (%s), for Cyan to deploy with?", managerAccount, contextName, target.Host)
		if err := o.confirm(question, o.yes); err != nil {
			return err
		}
	}
	remote, err := client.NewWithWatch(target, client.Options{Scheme: scheme()})
	if err != nil {
		return o.explain(err, "reaching the cluster of context "+contextName)
	}
	token, err := o.token(ctx, remote)
	if err != nil {
		return err
	}
	secret, err := o.secret(server, token, target)
	if err != nil {
		return err
	}
	if err := o.store(ctx, control, existing, secret); err != nil {
		return err
	}
	return o.say(fmt.Sprintf("cluster '%s' added as '%s'", server, o.name))
}

// target is how to reach the cluster of a context.
func (o *clusterAdd) target(contextName string) (*rest.Config, error) {
	raw, err := o.kube.raw()
	if err != nil {
		return nil, err
	}
	there := slices.Sorted(maps.Keys(raw.Contexts))
	if err := notThere("context", "the command", contextName, there); err != nil {
		return nil, err
	}
	other := connection{path: o.kube.path}
	other.overrides.CurrentContext = contextName
	return other.config()
}

// registered gives the Secret of a cluster that is there already; nil when there is none.
func (o *clusterAdd) registered(ctx context.Context, c client.Client, server string) (*corev1.Secret, error) {
	all, err := o.listClusters(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, cluster := range all {
		if cluster.Server != server && cluster.Name != o.name {
			continue
		}
		if !o.upsert && (cluster.Server != server || cluster.Name != o.name) {
			return nil, &Trouble{
				Problem: fmt.Sprintf("the cluster %s is registered already, as %q", cluster.Server, cluster.Name),
				Remedy:  "add --upsert to change it, or give another --name", Code: codeGeneric,
			}
		}
		return cluster.secret, nil
	}
	return nil, nil
}

func (o *clusterAdd) secret(server string, token string, target *rest.Config) (*corev1.Secret, error) {
	config := cluster.Connection{BearerToken: token, ProxyURL: o.proxy, TLS: cluster.TLS{
		Insecure: target.Insecure, ServerName: target.ServerName, CAData: target.CAData,
	}}
	if target.CAFile != "" && len(target.CAData) == 0 {
		data, err := os.ReadFile(target.CAFile)
		if err != nil {
			return nil, &Trouble{Problem: "reading the cluster's certificate authority: " + err.Error(), Code: codeGeneric, cause: err}
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
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: secretName("cluster", server), Namespace: o.namespace,
			Labels: map[string]string{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeCluster}, Annotations: map[string]string{managedBy: managedByValue},
		},
		Data: map[string][]byte{"name": []byte(o.name), "server": []byte(server), "config": data},
	}
	if len(o.namespaces) > 0 {
		secret.Data["namespaces"] = []byte(strings.Join(o.namespaces, ","))
		secret.Data["clusterResources"] = fmt.Append(nil, o.clusterResources)
	}
	if o.project != "" {
		secret.Data["project"] = []byte(o.project)
	}
	if err := pairs(o.labels, func(k, v string) { secret.Labels[k] = v }); err != nil {
		return nil, &Trouble{Problem: "--label: " + err.Error(), Code: codeUsage}
	}
	if err := pairs(o.annotations, func(k, v string) { secret.Annotations[k] = v }); err != nil {
		return nil, &Trouble{Problem: "--annotation: " + err.Error(), Code: codeUsage}
	}
	return secret, nil
}

// managedBy marks the Secrets that a command made.
const (
	managedBy      = "managed-by"
	managedByValue = "argocd.argoproj.io"
)

// store writes a Secret, in place of an existing one where there is one.
func (a *apps) store(ctx context.Context, c client.Client, existing, wanted *corev1.Secret) error {
	var err error
	if existing == nil {
		err = c.Create(ctx, wanted)
	} else {
		before := existing.DeepCopy()
		existing.Data = wanted.Data
		for k, v := range wanted.Labels {
			put(&existing.Labels, k, v)
		}
		for k, v := range wanted.Annotations {
			put(&existing.Annotations, k, v)
		}
		err = c.Patch(ctx, existing, client.MergeFrom(before))
	}
	return a.explain(err, "writing Secret "+wanted.Name)
}

// secretName names the Secret of a cluster or repository by its URL, with its host in it for people.
func secretName(prefix, address string) string {
	sum := sha256.Sum256([]byte(address))
	name := prefix
	if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
		name += "-" + strings.ToLower(strings.Trim(strings.ReplaceAll(u.Hostname(), ":", "-"), "-."))
	}
	return name + "-" + hex.EncodeToString(sum[:])[:10]
}

func newClusterList(a *apps) *cobra.Command {
	var out format
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the clusters", Example: "  cyan cluster list", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			all, err := a.listClusters(cmd.Context(), c)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(all, func(r registeredCluster) bool { return r.Server == v1alpha1.InClusterServer }) {
				all = slices.Insert(all, 0, registeredCluster{Name: v1alpha1.InClusterName, Server: v1alpha1.InClusterServer})
			}
			return a.showClusters(all, out.value)
		},
	}
	out.bind(cmd, outJSON, outYAML, outWide, outName, "server")
	return cmd
}

func (a *apps) showClusters(all []registeredCluster, as string) error {
	if as == outJSON || as == outYAML {
		return a.dump(all, as)
	}
	rows := [][]string{{"SERVER", "NAME", "NAMESPACES", "PROJECT"}}
	for _, cluster := range all {
		switch as {
		case outName:
			rows = append(rows, []string{cluster.Name})
		case "server":
			rows = append(rows, []string{cluster.Server})
		default:
			rows = append(rows, []string{cluster.Server, cluster.Name, orWords(cluster.Namespaces, "all"), cluster.Project})
		}
	}
	if as == outName || as == "server" {
		for _, row := range rows[1:] {
			if err := a.say(row[0]); err != nil {
				return err
			}
		}
		return nil
	}
	return a.table(rows, 0)
}

// findCluster finds a registered cluster by URL or name.
func (a *apps) findCluster(ctx context.Context, c client.Client, wanted string) (registeredCluster, error) {
	all, err := a.listClusters(ctx, c)
	if err != nil {
		return registeredCluster{}, err
	}
	var names []string
	for _, cluster := range all {
		if cluster.Server == wanted || cluster.Name == wanted {
			return cluster, nil
		}
		names = append(names, cluster.Name)
	}
	return registeredCluster{}, missing("registered cluster", a.namespace, wanted, names, "`"+a.program+" cluster add CONTEXT` registers one")
}

func newClusterGet(a *apps) *cobra.Command {
	var out format
	cmd := &cobra.Command{
		Use: "get SERVER|NAME", Short: "Show a cluster", Example: "  cyan cluster get staging -o yaml", Args: exactly("the cluster's URL or name"), ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			cluster, err := a.findCluster(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			return a.showClusters([]registeredCluster{cluster}, out.value)
		},
	}
	out.bind(cmd, outJSON, outYAML, outWide, outName, "server")
	return cmd
}

func newClusterRemove(a *apps) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "rm SERVER|NAME", Aliases: []string{"remove", "delete"}, Short: "Forget a cluster; what runs there stays", Example: "  cyan cluster rm staging",
		Args: exactly("the cluster's URL or name"), ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			cluster, err := a.findCluster(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if err := a.confirm(fmt.Sprintf("forget the cluster %q (%s)?", cluster.Name, cluster.Server), yes); err != nil {
				return err
			}
			if err := c.Delete(cmd.Context(), cluster.secret); client.IgnoreNotFound(err) != nil {
				return a.explain(err, "forgetting the cluster "+cluster.Name)
			}
			return a.say(fmt.Sprintf("cluster '%s' removed; its service account %s stays on it", cluster.Server, managerAccount))
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func (a *apps) completeContexts(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	raw, err := a.kube.raw()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.Sorted(maps.Keys(raw.Contexts)), cobra.ShellCompDirectiveNoFileComp
}

func (a *apps) completeClusters(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	list := &corev1.SecretList{}
	return a.complete(cmd, list, client.InNamespace(a.namespace), func() (names []string) {
		for _, s := range list.Items {
			if s.Labels[v1alpha1.SecretTypeLabel] == v1alpha1.SecretTypeCluster {
				names = append(names, cobra.CompletionWithDesc(string(s.Data["name"]), string(s.Data["server"])))
			}
		}
		return names
	})
}
