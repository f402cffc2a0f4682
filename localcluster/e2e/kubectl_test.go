package e2e

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/kubectl/pkg/cmd/debug"
	"k8s.io/kubectl/pkg/cmd/util"
)

// kubectl runs a command of kubectl's own.
func (c *testCluster) kubectl(command func(util.Factory, genericiooptions.IOStreams) *cobra.Command, args ...string) (string, error) {
	var printed, errs strings.Builder
	err := c.kubectlWith(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &printed, ErrOut: &errs}, command, args...)
	if err != nil {
		err = fmt.Errorf("%w: %s", err, errs.String())
	}
	return printed.String(), err
}

// kubectlWith runs one with input and output. It ends the process at an error, unless it is told otherwise.
func (c *testCluster) kubectlWith(streams genericiooptions.IOStreams, command func(util.Factory, genericiooptions.IOStreams) *cobra.Command, args ...string) (err error) {
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig = &c.Kubeconfig
	util.BehaviorOnFatal(func(message string, _ int) { panic(errors.New(message)) })
	defer util.DefaultBehaviorOnFatal()
	defer func() {
		if failed := recover(); failed != nil {
			err = failed.(error)
		}
	}()
	run := &cobra.Command{Use: "kubectl"}
	flags.AddFlags(run.PersistentFlags())
	run.AddCommand(command(util.NewFactory(util.NewMatchVersionFlags(flags)), streams))
	run.SetArgs(append([]string{run.Commands()[0].Name()}, args...))
	run.SetOut(streams.ErrOut)
	run.SetErr(streams.ErrOut)
	return run.Execute()
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
	for name, args := range map[string][]string{
		"a pod": {pod, "--image=" + image}, "a copy of a pod": {pod, "--image=" + image, "--copy-to=copied"}, "the node": {"node/cyan", "--image=" + image},
	} {
		t.Run("attached, beside "+name, func(t *testing.T) {
			args := append(args, "-i", "--profile=general", "--", "/probe", "converse")
			converses(t, "heard hello at no terminal", func(in io.Reader, out io.Writer) error {
				return c.kubectlWith(genericiooptions.IOStreams{In: in, Out: out, ErrOut: out}, debugCommand, args...)
			})
		})
	}
	t.Run("attached, in a terminal", func(t *testing.T) {
		if out, err := c.kubectl(debugCommand, pod, "--image="+image, "--container=typed", "--profile=general", "-it", "--attach=false", "--", "/probe", "converse"); err != nil {
			t.Fatalf("kubectl debug: %v\n%s", err, out)
		}
		c.state(t, pod, "typed", func(s corev1.ContainerState) bool { return s.Running != nil })
		converses(t, "heard hello at a terminal", func(in io.Reader, out io.Writer) error { return c.attachTerminal(t, pod, "typed", in, out) })
	})
}

// attachTerminal attaches to a container with a terminal: kubectl, in a process without one, does not.
func (c *testCluster) attachTerminal(t *testing.T, pod, container string, in io.Reader, out io.Writer) error {
	t.Helper()
	request := c.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(ns).Name(pod).SubResource("attach").
		VersionedParams(&corev1.PodAttachOptions{Container: container, Stdin: true, Stdout: true, TTY: true}, scheme.ParameterCodec)
	executor, err := remotecommand.NewWebSocketExecutor(c.config, http.MethodGet, request.URL().String())
	if err != nil {
		return err
	}
	return executor.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdin: in, Stdout: out, Tty: true})
}

// converses holds a session with a container, which answers what is typed until it is told to leave.
func converses(t *testing.T, answer string, session func(in io.Reader, out io.Writer) error) {
	t.Helper()
	typed, typing, err := os.Pipe() // which holds what nobody reads yet
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = typed.Close(), typing.Close() }()
	heard, hearing := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := session(typed, hearing)
		_ = hearing.CloseWithError(fmt.Errorf("the session has ended: %w", cmp.Or(err, io.EOF)))
		ended <- err
	}()
	lines := bufio.NewReader(heard)
	if _, err := io.WriteString(typing, "hello\n"); err != nil {
		t.Fatal(err)
	}
	reads(t, lines, answer)
	if _, err := io.WriteString(typing, "bye\n"); err != nil {
		t.Fatal(err)
	}
	reads(t, lines, "leaving")
	if _, err := io.WriteString(typing, "\n"); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// reads reads lines until one is as it should be.
func reads(t *testing.T, lines *bufio.Reader, want string) {
	t.Helper()
	var before strings.Builder
	for {
		line, err := lines.ReadString('\n')
		before.WriteString(line)
		if strings.TrimSpace(line) == want {
			return
		}
		if err != nil {
			t.Fatalf("got %q, %v; want a line %q", before.String(), err, want)
		}
	}
}

// ends waits until a container has ended, and well.
func (c *testCluster) ends(t *testing.T, pod, container string) {
	t.Helper()
	c.state(t, pod, container, func(s corev1.ContainerState) bool { return s.Terminated != nil && s.Terminated.ExitCode == 0 })
}

// state waits until a container's state is as it should be.
func (c *testCluster) state(t *testing.T, pod, container string, wanted func(corev1.ContainerState) bool) {
	t.Helper()
	eventually(t, 30*time.Second, container+" is there", func(ctx context.Context) error {
		found, err := c.client.CoreV1().Pods(ns).Get(ctx, pod, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, s := range append(found.Status.ContainerStatuses, found.Status.EphemeralContainerStatuses...) {
			if s.Name == container && wanted(s.State) {
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
