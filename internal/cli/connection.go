package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

const kubeconfigHelp = `

It works on the cluster of the current context, as kubectl does (--kubeconfig, $KUBECONFIG, ~/.kube/config, --context). Where there is
none of them, a cluster that was started by ` + "`cyan local up`" + ` is used.`

// defaultAppNamespace is where existing manifests and tools expect Applications.
const defaultAppNamespace = "argocd"

// connection is how the cluster is reached: the usual rules for kubeconfigs, and the flags that go with them.
type connection struct {
	path      string
	overrides clientcmd.ConfigOverrides
	verbose   int
	// resolved is set by the first use.
	resolved clientcmd.ClientConfig
}

// flagSet says which of kubectl's flags a root offers.
type flagSet int

const (
	// nativeFlags are the few that people type; the rest is accepted and not shown.
	nativeFlags flagSet = iota
	// pluginFlags are kubectl's own, --namespace included.
	pluginFlags
	// argocdFlags leave --server alone, which means something else to argocd.
	argocdFlags
)

func (c *connection) bind(root *cobra.Command, set flagSet) {
	flags := root.PersistentFlags()
	flags.StringVar(&c.path, "kubeconfig", "", "path of the kubeconfig")
	names := clientcmd.RecommendedConfigOverrideFlags("")
	names.ContextOverrideFlags.Namespace = clientcmd.FlagInfo{}
	if set == argocdFlags {
		names.ClusterOverrideFlags.APIServer, names.ClusterOverrideFlags.InsecureSkipTLSVerify = clientcmd.FlagInfo{}, clientcmd.FlagInfo{}
		names.CurrentContext = clientcmd.FlagInfo{LongName: "kube-context", Description: "the kubeconfig's context"}
	}
	clientcmd.BindOverrideFlags(&c.overrides, flags, names)
	if set == argocdFlags {
		flags.StringVar(&c.overrides.CurrentContext, "context", "", "the kubeconfig's context")
	}
	flags.CountVarP(&c.verbose, "verbose", "v", "say which cluster is used")
	if set == pluginFlags {
		c.bindNamespace(root)
		return
	}
	for _, name := range []string{
		"as", "as-group", "as-uid", "as-user-extra", "certificate-authority", "client-certificate", "client-key", "disable-compression", "insecure-skip-tls-verify",
		"password", "proxy-url", "request-timeout", "server", "tls-server-name", "token", "user", "username",
	} {
		if flags.Lookup(name) != nil {
			_ = flags.MarkHidden(name)
		}
	}
}

// bindNamespace gives a command and those below it kubectl's --namespace.
func (c *connection) bindNamespace(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVarP(&c.overrides.Context.Namespace, "namespace", "n", "", "the namespace; that of the context if not given")
}

// clientConfig finds the kubeconfig.
func (c *connection) clientConfig() clientcmd.ClientConfig {
	if c.resolved != nil {
		return c.resolved
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.path
	if local := localKubeconfig(); c.path == "" && local != "" && nothingToLoad(rules) {
		rules.ExplicitPath = local
	}
	c.resolved = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &c.overrides)
	return c.resolved
}

// nothingToLoad says that the usual places hold no cluster.
func nothingToLoad(rules *clientcmd.ClientConfigLoadingRules) bool {
	if os.Getenv("KUBERNETES_SERVICE_HOST") != "" {
		return false
	}
	config, err := rules.Load()
	return err == nil && len(config.Clusters) == 0
}

// localKubeconfig is that of `cyan local up`, if it is there.
func localKubeconfig() string {
	data := os.Getenv("XDG_DATA_HOME")
	if data == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		data = filepath.Join(home, ".local", "share")
	}
	path := filepath.Join(data, "cyan", "kubeconfig")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// raw is the kubeconfig as it stands.
func (c *connection) raw() (clientcmdapi.Config, error) {
	raw, err := c.clientConfig().RawConfig()
	if err != nil {
		return raw, &Trouble{Problem: "reading the kubeconfig: " + err.Error(), Remedy: "check --kubeconfig and $KUBECONFIG", Code: codeConnection, cause: err}
	}
	return raw, nil
}

// contextName is the context in use.
func (c *connection) contextName() string {
	if c.overrides.CurrentContext != "" {
		return c.overrides.CurrentContext
	}
	raw, err := c.raw()
	if err != nil {
		return ""
	}
	return raw.CurrentContext
}

// namespace is that of --namespace, or of the context.
func (c *connection) namespace() (string, error) {
	if err := c.checkNames(); err != nil {
		return "", err
	}
	ns, _, err := c.clientConfig().Namespace()
	if err != nil {
		return "", c.explainConfig(err)
	}
	return ns, nil
}

// checkNames makes sure that --context, --cluster and --user name something.
func (c *connection) checkNames() error {
	raw, err := c.raw()
	if err != nil {
		return err
	}
	return errors.Join(
		notThere("context", "--context", c.overrides.CurrentContext, slices.Sorted(maps.Keys(raw.Contexts))),
		notThere("cluster", "--cluster", c.overrides.Context.Cluster, slices.Sorted(maps.Keys(raw.Clusters))),
		notThere("user", "--user", c.overrides.Context.AuthInfo, slices.Sorted(maps.Keys(raw.AuthInfos))),
	)
}

func notThere(kind, flag, name string, there []string) error {
	if name == "" || slices.Contains(there, name) {
		return nil
	}
	t := &Trouble{Problem: fmt.Sprintf("the kubeconfig has no %s %q", kind, name), Code: codeConnection, Remedy: "give " + flag + " one that it has: " + choices(there)}
	if len(there) == 0 {
		t.Remedy = noClusterRemedy
	}
	return t
}

const noClusterRemedy = "start a cluster on this machine with `cyan local up`, or name one by --kubeconfig or $KUBECONFIG"

// config is how to reach the API server.
func (c *connection) config() (*rest.Config, error) {
	if err := c.checkNames(); err != nil {
		return nil, err
	}
	config, err := c.clientConfig().ClientConfig()
	if err != nil {
		return nil, c.explainConfig(err)
	}
	// A person waits: the server's own limits are enough.
	config.QPS = -1
	config.UserAgent = "cyan-cli"
	config.WarningHandler = rest.NoWarnings{}
	return config, nil
}

func (c *connection) explainConfig(err error) error {
	if clientcmd.IsEmptyConfig(err) {
		return &Trouble{Problem: "there is no cluster to talk to: no kubeconfig was found", Remedy: noClusterRemedy, Code: codeConnection, cause: err}
	}
	return &Trouble{Problem: "reading the kubeconfig: " + err.Error(), Remedy: "`kubectl config get-contexts` shows what it holds", Code: codeConnection, cause: err}
}

// scheme knows the core kinds and ours.
func scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(s); err != nil {
			panic(err)
		}
	}
	return s
}

// connect gives a client whose errors are fit to be read.
func (e *env) connect() (client.WithWatch, error) {
	config, err := e.kube.config()
	if err != nil {
		return nil, err
	}
	if e.kube.verbose > 0 {
		fmt.Fprintf(e.Err, "using %s (context %s)\n", config.Host, e.kube.contextName())
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme()})
	if err != nil {
		return nil, e.explain(err, "")
	}
	return c, nil
}

// explain turns an error of the API into one that says what to do. doing is a gerund phrase, or empty.
func (e *env) explain(err error, doing string) error {
	var known *Trouble
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.As(err, &known):
		return err
	case meta.IsNoMatchError(err) || noSuchResource(err):
		return &Trouble{
			Problem: join(doing, "the cluster "+e.clusterName()+" does not serve "+missingKind(err)),
			Remedy:  "run `cyan server` against it, which installs Cyan's kinds", Code: codeGeneric, cause: err,
		}
	case unreachable(err):
		return &Trouble{
			Problem: join(doing, "the cluster "+e.clusterName()+" does not answer: "+rootCause(err)),
			Remedy:  "see whether it runs (`cyan local status` for one of Cyan's own), or choose another by --context", Code: codeConnection, cause: err,
		}
	case apierrors.IsUnauthorized(err):
		return &Trouble{Problem: join(doing, "the cluster "+e.clusterName()+" does not accept these credentials"), Remedy: "log in to it again, or choose another user by --user or --context", Code: codeConnection, cause: err}
	case apierrors.IsForbidden(err):
		return &Trouble{Problem: join(doing, err.Error()), Remedy: "ask the cluster's administrator for that right, or choose another user by --user or --context", Code: codeGeneric, cause: err}
	case namespaceMissing(err) != "":
		return &Trouble{Problem: join(doing, fmt.Sprintf("the cluster %s has no namespace %q", e.clusterName(), namespaceMissing(err))), Remedy: "start `cyan server`, which makes its namespace, or create it", Code: codeMissing, cause: err}
	}
	code := codeGeneric
	if apierrors.IsNotFound(err) {
		code = codeMissing
	}
	return &Trouble{Problem: join(doing, err.Error()), Code: code, cause: err}
}

func join(doing, problem string) string {
	if doing == "" {
		return problem
	}
	return doing + ": " + problem
}

func (e *env) clusterName() string {
	name := e.kube.contextName()
	if raw, err := e.kube.raw(); err == nil {
		cluster := e.kube.overrides.Context.Cluster
		if at := raw.Contexts[name]; cluster == "" && at != nil {
			cluster = at.Cluster
		}
		if at := raw.Clusters[cluster]; at != nil {
			return fmt.Sprintf("%q (%s)", name, at.Server)
		}
	}
	return fmt.Sprintf("%q", name)
}

// noSuchResource is the answer of a server that does not know the path of a kind at all.
func noSuchResource(err error) bool {
	return apierrors.IsNotFound(err) && strings.Contains(err.Error(), "the server could not find the requested resource")
}

func missingKind(err error) string {
	var kind *meta.NoKindMatchError
	if errors.As(err, &kind) {
		return fmt.Sprintf("the kind %s (%s)", kind.GroupKind.Kind, kind.GroupKind.Group)
	}
	return "Cyan's kinds (" + v1alpha1.GroupVersion.String() + ")"
}

func unreachable(err error) bool {
	var address *url.Error
	return errors.As(err, &address) || utilnet.IsConnectionRefused(err) || errors.Is(err, context.DeadlineExceeded)
}

// rootCause leaves out the URL of the request, which says nothing to who typed a command.
func rootCause(err error) string {
	var address *url.Error
	if errors.As(err, &address) {
		return address.Err.Error()
	}
	return err.Error()
}

func namespaceMissing(err error) string {
	var status apierrors.APIStatus
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) {
		return ""
	}
	details := status.Status().Details
	if details == nil || details.Kind != "namespaces" || details.Group != corev1.GroupName {
		return ""
	}
	return details.Name
}
