package cli

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/localcluster/internal/cluster"
	"github.com/cyan-cd/cyan/localcluster/internal/config"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

func upCommand() *cobra.Command {
	var nodes, output string
	var without []string
	kubeconfig := true
	var options cluster.Options
	var file string
	command := &cobra.Command{
		Use:   "up",
		Short: "Start the cluster, or resume it with everything in it",
		Long: `Start the cluster in the background and return when it can be used. A cluster that was stopped is resumed with
everything still in it; one that runs already is left as it is.

The cluster becomes a context in your kubeconfig, and the current one; "down --delete" takes it out again.

A file (--config) says what flags say, and more. It counts when the cluster starts, and stays in force until another file
is given; "down" and "up --config FILE" change everything but the kind of the nodes, which takes "down --delete". Flags win
over the file.

` + config.Example,
		Example: `  cyan local up
  cyan local up --nodes simulated --count 50
  cyan local up --dir /tmp/second --api-port 16443
  cyan local up --config cluster.yaml`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			mode, err := parseMode(nodes)
			if err != nil {
				return usageError{err}
			}
			options.Mode = mode
			options.Without = leftOut(c, without)
			if file != "" {
				dir, err := dirOf(c)
				if err != nil {
					return err
				}
				if options, err = fromFile(file, dir, options); err != nil {
					return err
				}
			}
			if err := checkOptions(options, output); err != nil {
				return usageError{err}
			}
			return up(c, options, output, kubeconfig)
		},
	}
	flags := command.Flags()
	flags.StringVar(&nodes, "nodes", "", "real or simulated (default: real with root on Linux, else simulated)")
	flags.StringVar(&file, "config", "", "file that says what the cluster is to be")
	flags.IntVar(&options.Nodes, "count", 0, "how many nodes, when they are simulated (default 1)")
	flags.IntVar(&options.APIPort, "api-port", 0, "port of the API server on 127.0.0.1 (default: a free one)")
	flags.IntVar(&options.RegistryPort, "registry-port", 0, "port of the image registry on 127.0.0.1 (default: a free one)")
	flags.IntVar(&options.IngressPort, "ingress-port", 0, "port of 127.0.0.1 for Ingresses and Gateways, HTTP and HTTPS (default: a free one; 80 and 443 as well where they are free)")
	flags.StringSliceVar(&without, "without", nil, "leave out "+strings.Join(cluster.Extras, ", ")+" (default: as it was; all of them at first)")
	flags.BoolVar(&kubeconfig, "kubeconfig-update", true, "make the cluster the current context of your kubeconfig ($KUBECONFIG, else ~/.kube/config)")
	flags.StringVarP(&output, "output", "o", "text", "text or json")
	return command
}

// leftOut returns the extras to leave out; nil when nothing was said of them.
func leftOut(c *cobra.Command, without []string) []string {
	if !c.Flags().Changed("without") {
		return nil
	}
	return append([]string{}, slices.DeleteFunc(without, func(name string) bool { return name == "" })...)
}

func parseMode(nodes string) (state.Mode, error) {
	switch mode := state.Mode(nodes); mode {
	case "", state.Real, state.Simulated:
		return mode, nil
	}
	return "", fmt.Errorf("--nodes is %q: say real or simulated", nodes)
}

const mostNodes = 5000

func checkOptions(o cluster.Options, output string) error {
	if err := checkPorts(o); err != nil {
		return err
	}
	if o.Nodes < 0 || o.Nodes > mostNodes {
		return fmt.Errorf("--count is %d: it can be between 1 and %d", o.Nodes, mostNodes)
	}
	if err := cluster.CheckExtras(o.Without); err != nil {
		return err
	}
	return checkOutput(output)
}

func checkPorts(o cluster.Options) error {
	given := map[int]string{}
	for _, p := range []struct {
		flag string
		port int
	}{{"--api-port", o.APIPort}, {"--registry-port", o.RegistryPort}, {"--ingress-port", o.IngressPort}} {
		if p.port < 0 || p.port > 65535 {
			return fmt.Errorf("%s is %d: a port is between 1 and 65535", p.flag, p.port)
		}
		if other := given[p.port]; other != "" && p.port != 0 {
			return fmt.Errorf("%s and %s are both %d: give each its own", other, p.flag, p.port)
		}
		given[p.port] = p.flag
	}
	return nil
}

func checkOutput(output string) error {
	if output != "text" && output != "json" {
		return fmt.Errorf("-o is %q: say text or json", output)
	}
	return nil
}

func up(c *cobra.Command, options cluster.Options, output string, kubeconfig bool) error {
	dir, err := dirOf(c)
	if err != nil {
		return err
	}
	show := newProgress(os.Stderr)
	show.working("starting the cluster in " + dir.Path)
	result, err := cluster.Up(c.Context(), dir, options, show.done)
	show.close()
	if err != nil {
		return err
	}
	if kubeconfig {
		if err := addContext(c.Context(), dir, &result.Status); err != nil {
			return err
		}
	}
	if output == "json" {
		return printJSON(c.OutOrStdout(), result.Status)
	}
	printUp(c, dir, result, show.seconds())
	return nil
}

func printUp(c *cobra.Command, dir state.Dir, result cluster.UpResult, seconds float64) {
	out, s := c.OutOrStdout(), result.Status
	switch {
	case result.Already:
		fmt.Fprintf(out, "The cluster is already running.\n")
	case result.Resumed:
		fmt.Fprintf(out, "The cluster is running again, with everything that was in it, after %.1f s.\n", seconds)
	default:
		fmt.Fprintf(out, "The cluster is running after %.1f s.\n", seconds)
	}
	fmt.Fprintf(out, "\n  Kubernetes  %s, %s\n", s.Kubernetes, nodeCount(s))
	fmt.Fprintf(out, "  API server  %s\n  Registry    %s\n  Kubeconfig  %s\n", s.APIServer, s.Registry, s.Kubeconfig)
	printIngress(out, "  ", s.Ingress)
	printEgress(out, "  ", s.Egress)
	for _, note := range s.Notes {
		fmt.Fprintf(out, "  Note        %s\n", note)
	}
	first := "export KUBECONFIG=" + state.ShellWord(s.Kubeconfig)
	if s.Context != "" {
		fmt.Fprintf(out, "  Context     %s, the current one in your kubeconfig\n", s.Context)
		first = "kubectl get nodes"
	}
	fmt.Fprintf(out, "\nTry next:\n  %s\n  cyan local status%s\n  cyan local down%s\n", first, dir.Flag(), dir.Flag())
}

func nodeCount(s cluster.Status) string {
	text := strconv.Itoa(s.Nodes) + " " + string(s.Mode) + " nodes"
	if s.Nodes == 1 {
		text = "1 " + string(s.Mode) + " node"
	}
	if s.Beside > 0 {
		text += " and " + strconv.Itoa(s.Beside) + " simulated"
	}
	return text
}

func superviseCommand() *cobra.Command {
	var nodes string
	var events int
	var without []string
	var options cluster.Options
	command := &cobra.Command{
		Use: "supervise", Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := dirOf(c)
			if err != nil {
				return err
			}
			options.Mode, options.Without = state.Mode(nodes), leftOut(c, without)
			var to *os.File
			if events > 0 {
				to = os.NewFile(uintptr(events), "events")
			}
			return cluster.Supervise(dir, options, to)
		},
	}
	flags := command.Flags()
	flags.StringVar(&nodes, "nodes", "", "")
	flags.IntVar(&options.Nodes, "count", 0, "")
	flags.IntVar(&options.APIPort, "api-port", 0, "")
	flags.IntVar(&options.RegistryPort, "registry-port", 0, "")
	flags.IntVar(&options.IngressPort, "ingress-port", 0, "")
	flags.StringSliceVar(&without, "without", nil, "")
	flags.IntVar(&events, "events", 0, "")
	return command
}
