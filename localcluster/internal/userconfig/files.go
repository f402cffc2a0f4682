package userconfig

import (
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// files are a kubeconfig that can be in several files, wherever $KUBECONFIG leads by now. It is a ConfigAccess.
type files []string

// usual returns the files of the environment.
func usual() files {
	var all files
	for _, path := range clientcmd.NewDefaultPathOptions().GetLoadingPrecedence() {
		if whole, err := filepath.Abs(path); err == nil {
			path = whole
		}
		all = append(all, path)
	}
	return all
}

// Usual are the files of the environment, as $KUBECONFIG would name them from any directory.
func Usual() string { return usual().String() }

func named(list string) files { return filepath.SplitList(list) }

func (f files) String() string { return strings.Join(f, string(filepath.ListSeparator)) }

func (f files) exist() bool {
	_, err := os.Stat(f.GetDefaultFilename())
	return err == nil
}

// GetLoadingPrecedence returns the files, the one first of which the settings win.
func (f files) GetLoadingPrecedence() []string { return f }

// GetStartingConfig returns what they say together.
func (f files) GetStartingConfig() (*api.Config, error) {
	rules := clientcmd.ClientConfigLoadingRules{Precedence: f, DoNotResolvePaths: true}
	return rules.Load()
}

// GetDefaultFilename returns where kubectl writes what is new: the first file that exists, or the last.
func (f files) GetDefaultFilename() string {
	for _, path := range f {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return f[len(f)-1]
}

// IsExplicitFile reports whether a flag names the file.
func (f files) IsExplicitFile() bool { return false }

// GetExplicitFile returns the file that a flag names.
func (f files) GetExplicitFile() string { return "" }
