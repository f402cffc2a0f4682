package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/localcluster/internal/cluster"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

func statusCommand() *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "status",
		Short: "Tell how the cluster and its parts are, and where its Services are reached",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return usageError{err}
			}
			dir, err := dirOf(c)
			if err != nil {
				return err
			}
			status, err := cluster.Inspect(c.Context(), dir)
			if err != nil {
				return err
			}
			if output == "json" {
				return printJSON(c.OutOrStdout(), status)
			}
			printStatus(c.OutOrStdout(), status, time.Now())
			return nil
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return command
}

func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

func printStatus(out io.Writer, s cluster.Status, now time.Time) {
	what := s.State
	if s.State == "running" && !s.Ready {
		what = "running, with a part that is not"
	}
	fmt.Fprintf(out, "Cluster     %s\nKubernetes  %s, %s\nDirectory   %s\n", what, s.Kubernetes, nodeCount(s), s.Dir)
	if s.State == "stopped" {
		fmt.Fprintf(out, "\nStart it with `cyan local up`.\n")
		return
	}
	fmt.Fprintf(out, "API server  %s\nRegistry    %s\nKubeconfig  %s\n", s.APIServer, s.Registry, s.Kubeconfig)
	printIngress(out, "", s.Ingress)
	printEgress(out, "", s.Egress)
	if s.Context != "" {
		fmt.Fprintf(out, "Context     %s\n", s.Context)
	}
	for _, note := range s.Notes {
		fmt.Fprintf(out, "Note        %s\n", note)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\nPART\tSTATE\tPID\tRESTARTS\tSINCE\tLAST EXIT\n")
	for _, p := range s.Parts {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\t%s\n", p.Name, p.State, p.PID, p.Restarts, ago(now, p.Since), p.LastExit)
	}
	if len(s.Ports) > 0 {
		fmt.Fprintf(table, "\nSERVICE OR POD\tTYPE\tPORT\tREACHED AT\n")
		for _, p := range s.Ports {
			fmt.Fprintf(table, "%s/%s\t%s\t%d/%s\t%s\n", p.Namespace, p.Service+p.Pod, p.Type, p.Port, p.Protocol, p.Address)
		}
	}
	_ = table.Flush()
}

// printIngress shows where the hosts of Ingresses and Gateways are, and whom to trust for those with TLS.
func printIngress(out io.Writer, indent string, i *cluster.IngressStatus) {
	if i == nil {
		return
	}
	fmt.Fprintf(out, "%sIngress     %s\n%sIngress CA  %s\n", indent, strings.Join(i.URLs, "  "), indent, i.CA)
}

// printEgress shows the name by which pods find this machine.
func printEgress(out io.Writer, indent string, e *cluster.EgressStatus) {
	if e != nil {
		fmt.Fprintf(out, "%sEgress      pods reach 127.0.0.1 of this machine as %s\n", indent, e.Names[0])
	}
}

func ago(now, then time.Time) string {
	if then.IsZero() {
		return "-"
	}
	return now.Sub(then).Truncate(time.Second).String()
}

func kubeconfigCommand() *cobra.Command {
	var path bool
	command := &cobra.Command{
		Use:     "kubeconfig",
		Short:   "Print the kubeconfig of the cluster's administrator",
		Example: "  cyan local kubeconfig > ~/.kube/cyan\n  export KUBECONFIG=$(cyan local kubeconfig --path)",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := dirOf(c)
			if err != nil {
				return err
			}
			return printKubeconfig(c.OutOrStdout(), dir, path)
		},
	}
	command.Flags().BoolVar(&path, "path", false, "print where the file is instead of what is in it")
	return command
}

func downCommand() *cobra.Command {
	var remove bool
	command := &cobra.Command{
		Use:   "down",
		Short: "Stop the cluster; with --delete remove it whole",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := dirOf(c)
			if err != nil {
				return err
			}
			after := cluster.Keep
			if remove {
				after = cluster.Delete
			}
			return down(c, dir, after)
		},
	}
	command.Flags().BoolVar(&remove, "delete", false, "remove everything the cluster has made, its images and objects too")
	return command
}

func down(c *cobra.Command, dir state.Dir, after cluster.After) error {
	_, before := dir.Load()
	removing := func() { removeContext(dir, c.ErrOrStderr()) }
	was, err := cluster.Down(c.Context(), dir, after, removing, func(text string) { fmt.Fprintln(c.ErrOrStderr(), text) })
	if err != nil {
		return err
	}
	out := c.OutOrStdout()
	switch {
	case errors.Is(before, state.ErrNone) && !was:
		fmt.Fprintf(out, "No cluster was found in %s.\n", dir.Path)
	case after == cluster.Delete:
		fmt.Fprintf(out, "The cluster in %s is removed.\n", dir.Path)
	case was:
		fmt.Fprintf(out, "The cluster is stopped. `cyan local up%s` resumes it with everything in it.\n", dir.Flag())
	default:
		fmt.Fprintf(out, "The cluster was not running.\n")
	}
	return nil
}
