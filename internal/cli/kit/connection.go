package kit

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/cyan-cd/cyan/internal/problem"
)

// KubeconfigHelp ends the help of a root command.
const KubeconfigHelp = `

It works on the cluster of the current context, as kubectl does (--kubeconfig, $KUBECONFIG, ~/.kube/config, --context). Where there is
none of them, a cluster that was started by ` + "`cyan local up`" + ` is used. Files that $KUBECONFIG names and none of which is there are an error.`

// Connection is how the cluster is reached: the usual rules for kubeconfigs, and the flags that go with them.
type Connection struct {
	path      string
	overrides clientcmd.ConfigOverrides
	verbose   int
	// resolved is set by the first use.
	resolved clientcmd.ClientConfig
}

// FlagSet chooses which of kubectl's flags a root offers.
type FlagSet int

const (
	// NativeFlags are the few that people type; the rest is accepted and not shown.
	NativeFlags FlagSet = iota
	// PluginFlags are kubectl's own, --namespace included.
	PluginFlags
	// ArgoCDFlags are those of kubectl that mean nothing else to argocd.
	ArgoCDFlags
	// SkaffoldFlags are the same without -v, which is another flag of skaffold's.
	SkaffoldFlags
)

// Bind adds the flags to a root command.
func (c *Connection) Bind(root *cobra.Command, set FlagSet) {
	flags := root.PersistentFlags()
	flags.StringVar(&c.path, "kubeconfig", "", "path of the kubeconfig")
	names := clientcmd.RecommendedConfigOverrideFlags("")
	names.ContextOverrideFlags.Namespace = clientcmd.FlagInfo{}
	if set != PluginFlags {
		// Cyan's own server has that name.
		names.ClusterOverrideFlags.APIServer = clientcmd.FlagInfo{}
	}
	if set == ArgoCDFlags || set == SkaffoldFlags {
		names.ClusterOverrideFlags.InsecureSkipTLSVerify = clientcmd.FlagInfo{}
		names.CurrentContext = clientcmd.FlagInfo{LongName: "kube-context", Description: "the kubeconfig's context"}
	}
	if set == PluginFlags {
		names.ClusterOverrideFlags.APIServer.ShortName = "s"
	}
	clientcmd.BindOverrideFlags(&c.overrides, flags, names)
	if set == ArgoCDFlags || set == SkaffoldFlags {
		flags.StringVar(&c.overrides.CurrentContext, "context", "", "the kubeconfig's context")
	}
	if set == PluginFlags {
		c.BindNamespace(root)
		flags.CountVar(&c.verbose, "verbose", "print which cluster is used")
		return
	}
	short := "v"
	if set == SkaffoldFlags {
		short = ""
	}
	flags.CountVarP(&c.verbose, "verbose", short, "print which cluster is used")
	for _, name := range []string{
		"as", "as-group", "as-uid", "as-user-extra", "certificate-authority", "client-certificate", "client-key", "disable-compression", "insecure-skip-tls-verify",
		"password", "proxy-url", "request-timeout", "tls-server-name", "token", "user", "username",
	} {
		if flags.Lookup(name) != nil {
			_ = flags.MarkHidden(name)
		}
	}
}

// BindNamespace adds kubectl's --namespace to a command and those below it.
func (c *Connection) BindNamespace(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVarP(&c.overrides.Context.Namespace, "namespace", "n", "", "the namespace; that of the context if not given")
}

// ForContext returns the connection to another context of the same kubeconfig.
func (c *Connection) ForContext(name string) *Connection {
	other := &Connection{path: c.path}
	other.overrides.CurrentContext = name
	return other
}

// UseContext has another context of the kubeconfig count, as if a flag had named it.
func (c *Connection) UseContext(name string) {
	c.overrides.CurrentContext, c.resolved = name, nil
}

// Named returns the kubeconfig and the context that flags name; empty where none does.
func (c *Connection) Named() (kubeconfig, context string) { return c.path, c.overrides.CurrentContext }

func (c *Connection) clientConfig() clientcmd.ClientConfig {
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

// nothingToLoad reports whether the usual places hold no cluster. Files that $KUBECONFIG names and none of which is
// there are a mistake, and no reason for another cluster.
func nothingToLoad(rules *clientcmd.ClientConfigLoadingRules) bool {
	if os.Getenv("KUBERNETES_SERVICE_HOST") != "" {
		return false
	}
	if noneThere() {
		return false
	}
	config, err := rules.Load()
	return err == nil && len(config.Clusters) == 0
}

// DataHome returns where programs keep what belongs to their user.
func DataHome() string {
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "."
	}
	return filepath.Join(home, ".local", "share")
}

// localKubeconfig returns that of `cyan local up`, if there is one.
func localKubeconfig() string {
	path := filepath.Join(DataHome(), "cyan", "kubeconfig")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// Raw returns the kubeconfig as it stands.
func (c *Connection) Raw() (clientcmdapi.Config, error) {
	raw, err := c.clientConfig().RawConfig()
	if err != nil {
		return raw, unusable(err, "check --kubeconfig and $KUBECONFIG")
	}
	return raw, nil
}

// ContextName returns the context in use.
func (c *Connection) ContextName() string {
	if c.overrides.CurrentContext != "" {
		return c.overrides.CurrentContext
	}
	raw, err := c.Raw()
	if err != nil {
		return ""
	}
	return raw.CurrentContext
}

// Namespace returns that of --namespace, or of the context.
func (c *Connection) Namespace() (string, error) {
	if err := c.checkNames(); err != nil {
		return "", err
	}
	ns, _, err := c.clientConfig().Namespace()
	if err != nil {
		return "", explainConfig(err)
	}
	return ns, nil
}

// checkNames makes sure that --context, --cluster and --user name something.
func (c *Connection) checkNames() error {
	raw, err := c.Raw()
	if err != nil {
		return err
	}
	for _, named := range []error{
		inKubeconfig("context", "--context", c.overrides.CurrentContext, slices.Sorted(maps.Keys(raw.Contexts))),
		inKubeconfig("cluster", "--cluster", c.overrides.Context.Cluster, slices.Sorted(maps.Keys(raw.Clusters))),
		inKubeconfig("user", "--user", c.overrides.Context.AuthInfo, slices.Sorted(maps.Keys(raw.AuthInfos))),
	} {
		if named != nil {
			return named
		}
	}
	return nil
}

// HasContext returns an error unless the kubeconfig has a context.
func (c *Connection) HasContext(name string) error {
	raw, err := c.Raw()
	if err != nil {
		return err
	}
	return inKubeconfig("context", "the command", name, slices.Sorted(maps.Keys(raw.Contexts)))
}

func inKubeconfig(kind, flag, name string, there []string) error {
	if name == "" || slices.Contains(there, name) {
		return nil
	}
	e := &problem.Error{Kind: problem.Unreachable, Object: "kubeconfig", Cause: kind + " \"" + name + "\" not found", Remedy: "give " + flag + " one of: " + Choices(there)}
	if len(there) == 0 {
		e.Remedy = noClusterRemedy
	}
	return e
}

const noClusterRemedy = "start a cluster on this machine with `cyan local up`, or name one by --kubeconfig, --context or $KUBECONFIG"

// Config returns how to reach the API server. Its errors are problems of the kind Unreachable.
func (c *Connection) Config() (*rest.Config, error) {
	if err := c.checkNames(); err != nil {
		return nil, err
	}
	config, err := c.clientConfig().ClientConfig()
	if err != nil {
		return nil, explainConfig(err)
	}
	// The API server's own priority and fairness decides; waiting on this side only adds lag.
	config.QPS = -1
	return config, nil
}

func explainConfig(err error) error {
	if clientcmd.IsEmptyConfig(err) && noneThere() {
		// That is a mistake in what was named, and not the absence of a cluster.
		return &problem.Error{Kind: problem.Unreachable, Object: "kubeconfig", Cause: missingKubeconfig(), Remedy: "correct $KUBECONFIG or unset it, or name a cluster by --kubeconfig"}
	}
	if clientcmd.IsEmptyConfig(err) {
		return &problem.Error{Kind: problem.Unreachable, Object: "kubeconfig", Cause: missingKubeconfig(), Remedy: noClusterRemedy, Err: err}
	}
	return unusable(err, "`kubectl config get-contexts` shows what it holds")
}

// namedKubeconfigs are the files that $KUBECONFIG names, and those of them that are not there.
func namedKubeconfigs() (named, missing []string) {
	for _, path := range filepath.SplitList(os.Getenv(clientcmd.RecommendedConfigPathEnvVar)) {
		if path == "" || path == os.DevNull {
			continue
		}
		named = append(named, path)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, path)
		}
	}
	return named, missing
}

// noneThere reports whether $KUBECONFIG names files, and none of them is there.
func noneThere() bool {
	named, missing := namedKubeconfigs()
	return len(missing) > 0 && len(missing) == len(named)
}

// missingKubeconfig is why there is no kubeconfig: what $KUBECONFIG names is not there, or nothing names one.
func missingKubeconfig() string {
	named, missing := namedKubeconfigs()
	switch {
	case len(missing) > 0:
		return "$KUBECONFIG names " + strings.Join(missing, " and ") + ", not found"
	case len(named) > 0:
		return strings.Join(named, " and ") + " (of $KUBECONFIG) has no clusters"
	}
	return "not found, so that no cluster is known"
}

func unusable(err error, remedy string) error {
	return &problem.Error{Kind: problem.Unreachable, Object: "kubeconfig", Cause: err.Error(), Remedy: remedy, Err: err}
}

// IsNoCluster reports whether an error of Config means that nothing names a cluster.
func IsNoCluster(err error) bool {
	e := problem.Of(err)
	return e != nil && e.Err != nil && clientcmd.IsEmptyConfig(errors.Unwrap(e))
}

// ClusterName returns the context and the URL of the cluster, for messages.
func (c *Connection) ClusterName() string {
	name := c.ContextName()
	if raw, err := c.Raw(); err == nil {
		cluster := c.overrides.Context.Cluster
		if at := raw.Contexts[name]; cluster == "" && at != nil {
			cluster = at.Cluster
		}
		if at := raw.Clusters[cluster]; at != nil {
			return "\"" + name + "\" (" + at.Server + ")"
		}
	}
	return "\"" + name + "\""
}

// File returns the kubeconfig that the context stands in; "" when that is not known.
func (c *Connection) File() string {
	raw, err := c.Raw()
	if err != nil || raw.Contexts[c.ContextName()] == nil {
		return ""
	}
	return raw.Contexts[c.ContextName()].LocationOfOrigin
}

// UserName returns the name of who asks, as the kubeconfig has it.
func (c *Connection) UserName() string {
	if raw, err := c.Raw(); err == nil {
		if context := raw.Contexts[c.ContextName()]; context != nil && context.AuthInfo != "" {
			return context.AuthInfo
		}
	}
	return os.Getenv("USER")
}
