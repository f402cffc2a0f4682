package cli

import (
	"fmt"
	"path/filepath"

	"github.com/cyan-cd/cyan/localcluster/internal/cluster"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
	"github.com/cyan-cd/cyan/localcluster/internal/userconfig"
)

// usualContext is the context of the cluster in the usual directory; those elsewhere add the name of their directory.
const usualContext = "cyan"

// addContext makes the cluster the current context of the user's kubeconfig. A cluster is as good without one, so what
// went wrong is a note.
func addContext(dir state.Dir, status *cluster.Status) {
	err := recordContext(dir, status)
	if err != nil {
		status.Notes = append(status.Notes, fmt.Sprintf("your kubeconfig was not changed: %v; use `export KUBECONFIG=%s`", err, status.Kubeconfig))
	}
}

func recordContext(dir state.Dir, status *cluster.Status) error {
	record, err := dir.Load()
	if err != nil {
		return err
	}
	name := usualContext
	if usual, err := state.At(""); err != nil || usual.Path != dir.Path {
		name += "-" + filepath.Base(dir.Path)
	}
	entry, err := userconfig.Add(dir.Kubeconfig(), name, userconfig.Entry{Context: record.Context, Before: record.Before})
	if err != nil {
		return err
	}
	record.Context, record.Before = entry.Context, entry.Before
	status.Context = entry.Context
	return dir.Save(record)
}
