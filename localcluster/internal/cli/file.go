package cli

import (
	"cmp"
	"fmt"
	"os"

	utilfeature "k8s.io/apiserver/pkg/util/feature"

	"github.com/cyan-cd/cyan/localcluster/internal/cluster"
	"github.com/cyan-cd/cyan/localcluster/internal/config"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// fromFile adds what a file says to options. Flags win.
func fromFile(name string, dir state.Dir, options cluster.Options) (cluster.Options, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return options, fmt.Errorf("reading the settings of the cluster: %w", err)
	}
	is := func(want func(os.FileMode) bool) func(string) bool {
		return func(path string) bool {
			info, err := os.Stat(path)
			return err == nil && want(info.Mode())
		}
	}
	file, err := config.Parse(name, data, config.Known{
		Extras: cluster.Extras, Gates: knownGates(), IsDir: is(os.FileMode.IsDir), IsFile: is(os.FileMode.IsRegular), Own: dir.Path,
	})
	if err != nil {
		return options, err
	}
	options.Mode = cmp.Or(options.Mode, state.Mode(file.Nodes))
	options.APIPort = cmp.Or(options.APIPort, file.Ports.APIServer)
	options.RegistryPort = cmp.Or(options.RegistryPort, file.Ports.Registry)
	options.IngressPort = cmp.Or(options.IngressPort, file.Ports.Ingress)
	if options.Without == nil {
		options.Without = file.Without
	}
	options.Settings = &file.Settings
	options.Settings.Simulated = file.Simulated
	return options, nil
}

// knownGates are the feature gates of the Kubernetes that this program carries.
func knownGates() map[string]config.Gate {
	known := map[string]config.Gate{}
	for name, spec := range utilfeature.DefaultMutableFeatureGate.GetAll() {
		known[string(name)] = config.Gate{Default: spec.Default, Locked: spec.LockToDefault}
	}
	return known
}
