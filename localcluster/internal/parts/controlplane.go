package parts

import (
	"os"
	_ "time/tzdata" // CronJobs name time zones, and a machine may know none

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // what clients of the API server measure
	_ "k8s.io/component-base/metrics/prometheus/version"  // the version among the metrics
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

func runAPIServer() error         { return runCommand(apiserver.NewAPIServerCommand()) }
func runControllerManager() error { return runCommand(controllermanager.NewControllerManagerCommand()) }
func runScheduler() error         { return runCommand(scheduler.NewSchedulerCommand()) }

// runCommand ends the process: a part of Kubernetes reports its errors itself.
func runCommand(command *cobra.Command) error {
	os.Exit(cli.Run(command))
	return nil
}
