package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/cyan-cd/cyan/localcluster/internal/cluster"
	"github.com/cyan-cd/cyan/localcluster/internal/engines"
	"github.com/cyan-cd/cyan/localcluster/internal/images"
	"github.com/cyan-cd/cyan/localcluster/internal/parts"
	"github.com/cyan-cd/cyan/localcluster/internal/registry"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// running is a cluster that runs, and its registry.
type running struct {
	dir     state.Dir
	status  cluster.Status
	account registry.Account
}

func openRunning(c *cobra.Command) (running, error) {
	dir, err := dirOf(c)
	if err != nil {
		return running{}, err
	}
	status, err := cluster.Inspect(c.Context(), dir)
	if err != nil {
		return running{}, err
	}
	if err := checkRunning(dir, status); err != nil {
		return running{}, err
	}
	account, err := registry.OpenAccount(dir.RegistryPassword())
	return running{dir: dir, status: status, account: account}, err
}

func loadCommand() *cobra.Command {
	var name string
	command := &cobra.Command{
		Use:   "load IMAGE",
		Short: "Load an image into the cluster's registry: from an archive, or from Docker, podman, containerd or buildah",
		Long: `Load the images of a docker or OCI archive, or of a folder with an OCI layout, into the cluster's registry, or an image
that Docker, podman, containerd (by nerdctl or ctr) or buildah has on this machine, when no such file or folder has the name. Pods find it under its name. One that was
loaded before under the same name is replaced: pods that are started from then on get the new one.`,
		Example: "  cyan local load app:dev\n  docker save nginx:1.19 -o nginx.tar && cyan local load nginx.tar",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := openRunning(c)
			if err != nil {
				return err
			}
			return r.load(c.Context(), c.OutOrStdout(), args[0], name)
		},
	}
	command.Flags().StringVar(&name, "name", "", "name of an image that has none in its archive")
	return command
}

func (r running) load(ctx context.Context, out io.Writer, archive, name string) error {
	from := ""
	if !registry.HoldsImages(archive) {
		dir, err := os.MkdirTemp("", "cyan-load-*")
		if err != nil {
			return fmt.Errorf("making a folder for the image: %w", err)
		}
		defer os.RemoveAll(dir)
		file := filepath.Join(dir, "image.tar")
		engine, err := engines.Save(ctx, archive, file)
		if err != nil {
			return err
		}
		archive, from = file, " from "+engine
	}
	loaded, err := registry.Load(ctx, r.status.Registry, r.account, archive, name)
	for _, image := range loaded {
		fmt.Fprintf(out, "Loaded %s%s\n", image, from)
	}
	if err != nil {
		return err
	}
	store, err := r.store()
	if err != nil {
		return err
	}
	return store.Renew(ctx, loaded)
}

func imageCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "image", Aliases: []string{"images"},
		Short: "List and remove the images of the cluster's registry and its node",
	}
	command.AddCommand(imageListCommand(), imageRemoveCommand(), imagePruneCommand())
	return command
}

func imageListCommand() *cobra.Command {
	var output string
	command := &cobra.Command{
		Use: "ls", Aliases: []string{"list"},
		Short:   "List images: their sizes and digests, where they are, and which pods use them",
		Example: "  cyan local image ls\n  cyan local image ls -o json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return usageError{err}
			}
			r, err := openRunning(c)
			if err != nil {
				return err
			}
			store, err := r.store()
			if err != nil {
				return err
			}
			rows, err := store.Rows(c.Context())
			if err != nil {
				return err
			}
			if output == "json" {
				return printJSON(c.OutOrStdout(), rows)
			}
			printImages(c.OutOrStdout(), rows)
			return nil
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return command
}

// store is where the cluster has its images.
func (r running) store() (images.Store, error) {
	client, err := clientcmd.BuildConfigFromFlags("", r.dir.Kubeconfig())
	if err != nil {
		return images.Store{}, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	// The API server sets the pace. Deprecated kinds are read as well.
	client.QPS, client.WarningHandler = -1, rest.NoWarnings{}
	store := images.Store{Registry: r.status.Registry, Account: r.account, Client: client}
	if r.status.Mode == state.Real {
		store.Socket = r.dir.Socket(parts.Containerd)
	}
	return store, nil
}

// shownDigits is how much of a digest is shown: enough to name it by.
const shownDigits = 12

func printImages(out io.Writer, rows []images.Row) {
	if len(rows) == 0 {
		fmt.Fprintln(out, "There are no images. `cyan local load IMAGE` brings one in.")
		return
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "IMAGE\tDIGEST\tSIZE\tWHERE\tUSED BY\n")
	for _, row := range rows {
		digest := strings.TrimPrefix(row.Digest, "sha256:")
		used := "-"
		switch len(row.Pods) {
		case 0:
		case 1:
			used = row.Pods[0]
		default:
			used = fmt.Sprintf("%s and %d more", row.Pods[0], len(row.Pods)-1)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", row.Name, digest[:min(len(digest), shownDigits)], bytesText(row.Size), strings.Join(row.Where, ", "), used)
	}
	_ = table.Flush()
}

// bytesText is a size for people.
func bytesText(bytes int64) string {
	const step = 1000
	size, unit := float64(bytes), 0
	units := []string{"B", "kB", "MB", "GB", "TB"}
	for size >= step && unit < len(units)-1 {
		size, unit = size/step, unit+1
	}
	if unit == 0 || size >= 100 {
		return fmt.Sprintf("%.0f %s", size, units[unit])
	}
	return fmt.Sprintf("%.1f %s", size, units[unit])
}

func imageRemoveCommand() *cobra.Command {
	var force bool
	command := &cobra.Command{
		Use: "rm IMAGE...", Aliases: []string{"remove"},
		Short: "Remove images from the registry and the node, and free their disk",
		Long: `Remove images by their names, or by the beginning of their digests, from the registry and the node. What no other image
shares is removed from the disk. An image that a pod uses stays, unless --force is given; the pod then goes on as long as it is not started anew.`,
		Example: "  cyan local image rm team/app:1\n  cyan local image rm 3f5a0c4e9d21 --force",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			how := images.KeepUsed
			if force {
				how = images.RemoveUsed
			}
			r, err := openRunning(c)
			if err != nil {
				return err
			}
			return r.removeImages(c.Context(), c.OutOrStdout(), args, how)
		},
	}
	command.Flags().BoolVarP(&force, "force", "f", false, "also what pods use")
	return command
}

func (r running) removeImages(ctx context.Context, out io.Writer, names []string, force images.Force) error {
	store, err := r.store()
	if err != nil {
		return err
	}
	rows, err := store.Rows(ctx)
	if err != nil {
		return err
	}
	plan, err := images.PlanRemoval(rows, names, r.status.Registry, force)
	if err != nil {
		return err
	}
	return remove(ctx, out, store, plan)
}

func remove(ctx context.Context, out io.Writer, store images.Store, plan images.Plan) error {
	freed, err := store.Remove(ctx, plan)
	if err != nil {
		return err
	}
	for _, name := range plan.Names {
		fmt.Fprintf(out, "Removed %s\n", name)
	}
	fmt.Fprintf(out, "The registry takes %s less of the disk.\n", bytesText(freed))
	return nil
}
