package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/cyan-cd/cyan/localcluster/internal/cluster"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
	"github.com/cyan-cd/cyan/localcluster/internal/userconfig"
)

// usualContext is the context of the cluster in the usual directory; those elsewhere add the name of their directory.
const usualContext = "cyan"

// addContext makes the cluster the current context of the user's kubeconfig. A cluster is as good without one, so what
// went wrong is a note; but one that another command has removed meanwhile is none.
func addContext(ctx context.Context, dir state.Dir, status *cluster.Status) error {
	err := recordContext(ctx, dir, status)
	if errors.Is(err, state.ErrNone) || errors.Is(err, fs.ErrNotExist) && dir.SupervisorPID() == 0 {
		return fmt.Errorf("cluster in %s: removed by another command as soon as it was up; run `cyan local up%s` again", dir.Path, dir.Flag())
	}
	if err != nil {
		status.Notes = append(status.Notes, fmt.Sprintf("your kubeconfig was not changed: %v; use `export KUBECONFIG=%s`", err, state.ShellWord(status.Kubeconfig)))
	}
	return nil
}

// recordContext holds the cluster meanwhile, so that it is not removed without its context.
func recordContext(ctx context.Context, dir state.Dir, status *cluster.Status) error {
	lock, err := dir.LockOperation(ctx, func() {})
	if err != nil {
		return err
	}
	defer lock.Release()
	record, err := dir.Load()
	if err != nil {
		return err
	}
	name := usualContext
	if usual, err := state.At(""); err != nil || usual.Path != dir.Path {
		name += "-" + filepath.Base(dir.Path)
	}
	entry, err := userconfig.Add(dir.Kubeconfig(), name, entryOf(record.ContextIn(userconfig.Usual())))
	if err != nil {
		return err
	}
	record.Remember(state.UserContext{Context: entry.Context, Before: entry.Before, Kubeconfig: entry.Files})
	status.Context = entry.Context
	return dir.Save(record)
}

// removeContext takes the cluster out of the user's kubeconfig.
func removeContext(dir state.Dir, out io.Writer) {
	record, err := dir.Load()
	if err != nil {
		return
	}
	for _, context := range append(record.Elsewhere, record.UserContext) {
		if err := userconfig.Remove(dir.Kubeconfig(), entryOf(context)); err != nil {
			fmt.Fprintf(out, "context %s was not taken out of your kubeconfig: %v\n", context.Context, err)
		}
	}
}

func entryOf(context state.UserContext) userconfig.Entry {
	return userconfig.Entry{Context: context.Context, Before: context.Before, Files: context.Kubeconfig}
}
