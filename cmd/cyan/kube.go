package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// kubeFlags say which cluster is meant, as kubectl's flags do.
type kubeFlags struct {
	kubeconfig, context string
}

func (f *kubeFlags) bind(flags *pflag.FlagSet) {
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig file (default: $KUBECONFIG, ~/.kube/config, or the service account inside a cluster)")
	flags.StringVar(&f.context, "context", "", "context of the kubeconfig")
}

// errNoCluster says that nothing names a cluster.
var errNoCluster = errors.New("there is no cluster: start one with `cyan local up`, or name one with --kubeconfig or --context")

// config connects as kubectl does; a local cluster of Cyan's is used when there is nothing else.
func (f *kubeFlags) config() (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = f.kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: f.context}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
	if clientcmd.IsEmptyConfig(err) && f.context == "" {
		local := filepath.Join(dataHome(), "cyan", "kubeconfig")
		if _, statErr := os.Stat(local); statErr != nil {
			return nil, errNoCluster
		}
		config, err = clientcmd.BuildConfigFromFlags("", local)
	}
	if err != nil {
		return nil, err
	}
	// The API server's own priority and fairness decides; waiting on this side only adds lag.
	config.QPS = -1
	return config, nil
}

func dataHome() string {
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "."
	}
	return filepath.Join(home, ".local", "share")
}
