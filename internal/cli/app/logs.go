package app

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

type logsCommand struct {
	*kit.Control
	container, filter string
	follow, previous  bool
	tail              int64
	since             time.Duration
	sinceSeconds      int64
	until             string
	matchCase         bool
	objects           objectFlags
}

func newLogs(a *kit.Control) *cobra.Command {
	o := &logsCommand{Control: a}
	cmd := &cobra.Command{
		Use:   "logs NAME",
		Short: "Print the logs of an Application's pods",
		Example: `  cyan app logs shop --tail 20
  cyan app logs shop --follow --kind Rollout`,
		Args:              kit.Exactly("the Application's name"),
		ValidArgsFunction: completeApps(a, 1),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.container, "container", "c", "", "only this container")
	f.StringVar(&o.filter, "filter", "", "only lines that hold this text")
	f.BoolVarP(&o.matchCase, "match-case", "m", false, "tell capital letters of the filter from small ones")
	f.StringVar(&o.objects.kind, "kind", "", "only pods of objects of this kind")
	f.StringVar(&o.objects.group, "group", "", "only pods of objects of this group")
	f.StringVar(&o.objects.namespace, "namespace", "", "only pods of objects of this namespace")
	f.StringVar(&o.objects.name, "name", "", "only pods of the object with this name")
	f.BoolVarP(&o.follow, "follow", "f", false, "go on with what comes")
	f.BoolVarP(&o.previous, "previous", "p", false, "of the container's last run")
	f.Int64Var(&o.tail, "tail", -1, "so many lines of each; all if negative")
	f.DurationVar(&o.since, "since", 0, "no older than this")
	f.Int64Var(&o.sinceSeconds, "since-seconds", 0, "no older than so many seconds")
	f.StringVar(&o.until, "until-time", "", "no newer than this time, as in 2026-05-01T12:00:00Z")
	cmd.MarkFlagsMutuallyExclusive("since", "since-seconds")
	return cmd
}

func (o *logsCommand) run(ctx context.Context, name string) error {
	filter, err := o.lines()
	if err != nil {
		return err
	}
	c, err := o.Connect()
	if err != nil {
		return err
	}
	app, err := get(ctx, o.Control, c, name)
	if err != nil {
		return err
	}
	if d := app.Spec.Destination; d.Server != v1alpha1.InClusterServer && d.Name != v1alpha1.InClusterName {
		return &problem.Error{Kind: problem.Refused, Object: object(app), Cause: "runs on the cluster " + cmp.Or(d.Name, d.Server), Remedy: "read its logs with kubectl logs there"}
	}
	pods, err := o.pods(ctx, c, app)
	if err != nil {
		return err
	}
	config, err := o.Config()
	if err != nil {
		return err
	}
	set, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	var failed []error
	for _, pod := range pods {
		for _, container := range pod.Spec.Containers {
			if o.container != "" && o.container != container.Name {
				continue
			}
			wait.Go(func() {
				err := problem.Guard(func() error { return o.stream(ctx, set, &pod, container.Name, filter, &mu) })()
				mu.Lock()
				defer mu.Unlock()
				if err != nil && ctx.Err() == nil {
					err = orSimulated(ctx, c, &pod, err)
					failed = append(failed, o.Explain(err, "reading the logs of pod "+pod.Name))
				}
			})
		}
	}
	wait.Wait()
	return kit.FirstWithRest(failed)
}

func (o *logsCommand) stream(ctx context.Context, set kubernetes.Interface, pod *corev1.Pod, container string, filter lineFilter, mu *sync.Mutex) (err error) {
	options := &corev1.PodLogOptions{Container: container, Follow: o.follow, Previous: o.previous, Timestamps: !filter.until.IsZero()}
	if o.tail >= 0 {
		options.TailLines = &o.tail
	}
	if seconds := max(int64(o.since.Seconds()), o.sinceSeconds); seconds > 0 {
		options.SinceSeconds = &seconds
	}
	stream, err := set.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, options).Stream(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stream.Close()) }()
	// The colours of a program are not ours, and would be written out.
	coloured := o.Terminal().IsTerminal()
	lines := bufio.NewReader(stream)
	for {
		line, err := lines.ReadString('\n')
		if text, shown := filter.of(line); line != "" && shown {
			if coloured {
				text = ansi.Strip(text)
			}
			mu.Lock()
			written := o.Data(o.Page().Theme.Quiet(pod.Name+" "+container+" | ") + strings.TrimRight(text, "\n") + "\n")
			mu.Unlock()
			if written != nil {
				return written
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// lineFilter is which lines of a log are shown.
type lineFilter struct {
	text      string
	matchCase bool
	// until is zero for no end; lines begin with their times otherwise.
	until time.Time
}

// lines returns the filter that the flags ask for.
func (o *logsCommand) lines() (lineFilter, error) {
	f := lineFilter{text: o.filter, matchCase: o.matchCase}
	if o.until == "" {
		return f, nil
	}
	var err error
	if f.until, err = time.Parse(time.RFC3339, o.until); err != nil {
		return f, kit.Usage("--until-time", err.Error(), "write it as 2026-05-01T12:00:00Z")
	}
	return f, nil
}

// of returns a line as it is shown, without the time that was asked for, and whether it is.
func (f lineFilter) of(line string) (string, bool) {
	if !f.until.IsZero() {
		stamp, rest, _ := strings.Cut(line, " ")
		if at, err := time.Parse(time.RFC3339Nano, stamp); err == nil {
			if line = rest; at.After(f.until) {
				return line, false
			}
		}
	}
	if f.matchCase {
		return line, strings.Contains(line, f.text)
	}
	return line, strings.Contains(strings.ToLower(line), strings.ToLower(f.text))
}

// orSimulated returns the error of reading a pod's logs, or that a simulated node has none.
func orSimulated(ctx context.Context, c client.Client, pod *corev1.Pod, err error) error {
	node := &corev1.Node{}
	if c.Get(ctx, client.ObjectKey{Name: pod.Spec.NodeName}, node) != nil || node.Labels[simulatedLabel] == "" {
		return err
	}
	return &problem.Error{
		Kind: problem.Refused, Object: "Pod " + pod.Namespace + "/" + pod.Name, Cause: "runs on the simulated node " + node.Name + ", where no program runs and nothing is logged",
		Remedy: "run it on a cluster with real nodes, such as that of `cyan local up` as root", Err: err,
	}
}

// simulatedLabel is on the nodes of a local cluster that only pretend to run pods.
const simulatedLabel = "cyan.dev/simulated"

// pods are those of an Application's objects, however many owners are between.
func (o *logsCommand) pods(ctx context.Context, c client.Client, app *v1alpha1.Application) ([]corev1.Pod, error) {
	wanted := map[string]bool{}
	namespaces := map[string]bool{}
	for _, r := range app.Status.Resources {
		if r.Namespace == "" || !o.objects.fits(r.Group, r.Kind, r.Namespace, r.Name) {
			continue
		}
		namespaces[r.Namespace] = true
		wanted[r.Namespace+"|"+r.Kind+"|"+r.Name] = true
	}
	chain := owners{c: c, seen: map[types.UID][]metav1.OwnerReference{}}
	var found []corev1.Pod
	for namespace := range namespaces {
		pods := &corev1.PodList{}
		if err := c.List(ctx, pods, client.InNamespace(namespace)); err != nil {
			return nil, o.Explain(err, "listing pods")
		}
		for _, pod := range pods.Items {
			ok := wanted[namespace+"|Pod|"+pod.Name]
			for _, owner := range chain.of(ctx, namespace, pod.OwnerReferences) {
				ok = ok || wanted[namespace+"|"+owner.Kind+"|"+owner.Name]
			}
			if ok {
				found = append(found, pod)
			}
		}
	}
	if len(found) == 0 {
		return nil, &problem.Error{Kind: problem.Absent, Object: object(app), Cause: "no pods found", Remedy: o.Command("app get %s", app.Name) + " shows what it has"}
	}
	slices.SortFunc(found, func(x, y corev1.Pod) int { return strings.Compare(x.Name, y.Name) })
	return found, nil
}

// owners climbs from an object to what owns it, asking for each owner once.
type owners struct {
	c    client.Client
	seen map[types.UID][]metav1.OwnerReference
}

func (w owners) of(ctx context.Context, namespace string, references []metav1.OwnerReference) []metav1.OwnerReference {
	all := slices.Clone(references)
	for _, reference := range references {
		above, ok := w.seen[reference.UID]
		if !ok {
			owner := &metav1.PartialObjectMetadata{}
			owner.SetGroupVersionKind(schema.FromAPIVersionAndKind(reference.APIVersion, reference.Kind))
			if err := w.c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: reference.Name}, owner); err == nil {
				above = owner.OwnerReferences
			}
			w.seen[reference.UID] = above
		}
		all = append(all, w.of(ctx, namespace, above)...)
	}
	return all
}
