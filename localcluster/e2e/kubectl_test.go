package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/cmd/debug"
	"k8s.io/kubectl/pkg/cmd/util"
)

// kubectl runs a command of kubectl's own. It ends the process at an error, unless it is told otherwise.
func (c *testCluster) kubectl(command func(util.Factory, genericiooptions.IOStreams) *cobra.Command, args ...string) (out string, err error) {
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig = &c.Kubeconfig
	util.BehaviorOnFatal(func(message string, _ int) { panic(errors.New(message)) })
	defer util.DefaultBehaviorOnFatal()
	defer func() {
		if failed := recover(); failed != nil {
			err = failed.(error)
		}
	}()
	var errs bytes.Buffer
	var printed strings.Builder
	run := &cobra.Command{Use: "kubectl"}
	flags.AddFlags(run.PersistentFlags())
	run.AddCommand(command(util.NewFactory(flags), genericiooptions.IOStreams{In: strings.NewReader(""), Out: &printed, ErrOut: &errs}))
	run.SetArgs(append([]string{run.Commands()[0].Name()}, args...))
	run.SetOut(&errs)
	run.SetErr(&errs)
	if err = run.Execute(); err != nil {
		err = fmt.Errorf("%w: %s", err, errs.String())
	}
	return printed.String(), err
}

func debugCommand(factory util.Factory, streams genericiooptions.IOStreams) *cobra.Command {
	return debug.NewCmdDebug(factory, streams)
}

// checkDebug: a container beside those of a pod sees their processes, and one on the node the node's files and
// processes.
func (c *testCluster) checkDebug(t *testing.T, image string) {
	pod := c.pod("web").Name
	if out, err := c.kubectl(debugCommand, pod, "--image="+image, "--container=beside", "--target=probe", "--profile=general", "--", "/probe", "cat", "/proc/1/cmdline"); err != nil {
		t.Fatalf("kubectl debug of a pod: %v\n%s", err, out)
	}
	c.ends(t, pod, "beside")
	c.printed(t, pod, "beside", "/probe")
	if out, err := c.kubectl(debugCommand, "node/cyan", "--image="+image, "--profile=sysadmin", "--", "/probe", "cat", "/host/etc/os-release", "/proc/1/cmdline"); err != nil {
		t.Fatalf("kubectl debug of the node: %v\n%s", err, out)
	}
	pods, err := c.client.CoreV1().Pods(ns).List(context.Background(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=kubectl-debug"})
	if err != nil || len(pods.Items) != 1 {
		t.Fatalf("pods on the node: got %d, %v; want one", len(pods.Items), err)
	}
	node := pods.Items[0].Name
	c.ends(t, node, "debugger")
	c.printed(t, node, "debugger", "NAME=")
	c.printed(t, node, "debugger", "cyan-node")
}

// ends waits until a container has ended, and well.
func (c *testCluster) ends(t *testing.T, pod, container string) {
	t.Helper()
	eventually(t, 30*time.Second, container+" has run", func(ctx context.Context) error {
		found, err := c.client.CoreV1().Pods(ns).Get(ctx, pod, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, s := range append(found.Status.ContainerStatuses, found.Status.EphemeralContainerStatuses...) {
			if s.Name == container && s.State.Terminated != nil && s.State.Terminated.ExitCode == 0 {
				return nil
			}
		}
		return fmt.Errorf("the pod's status is %v", found.Status)
	})
}

func (c *testCluster) printed(t *testing.T, pod, container, want string) {
	t.Helper()
	text, err := c.client.CoreV1().Pods(ns).GetLogs(pod, &corev1.PodLogOptions{Container: container}).DoRaw(context.Background())
	if err != nil || !strings.Contains(string(text), want) {
		t.Errorf("%s of %s printed %q, %v; want %q in it", container, pod, text, err, want)
	}
}
