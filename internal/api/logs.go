package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/view"
)

const (
	// mostLogPods bounds the pods whose logs are shown at a time.
	mostLogPods = 10
	// longestLine bounds a line of a log; what is beyond it comes as a line of its own.
	longestLine = 64 << 10
)

// LogsQuery is which part of which logs is asked for. It is exported for the library.
type LogsQuery struct {
	Namespace    string `query:"namespace" maxLength:"63"`
	Group        string `query:"group" maxLength:"253"`
	Kind         string `query:"kind" maxLength:"63"`
	ResourceName string `query:"resourceName" maxLength:"253"`
	Container    string `query:"container" maxLength:"63" doc:"the default one, or the first, when empty"`
	Follow       bool   `query:"follow"`
	Previous     bool   `query:"previous" doc:"of the container's last run"`
	TailLines    int64  `query:"tailLines" minimum:"0" doc:"of each pod; all when 0"`
	SinceSeconds int64  `query:"sinceSeconds" minimum:"0"`
	SinceTime    string `query:"sinceTime" maxLength:"64" doc:"as 2026-05-01T12:00:00Z"`
	UntilTime    string `query:"untilTime" maxLength:"64"`
	Filter       string `query:"filter" maxLength:"1024" doc:"only lines that have this text; those that do not, where it begins with !"`
	MatchCase    bool   `query:"matchCase"`
	Download     bool   `query:"download" doc:"bare lines, as a file"`
}

type logsInput struct {
	ApplicationName
	LogsQuery
	PodName string `query:"podName" maxLength:"253"`
}

type podLogsInput struct {
	ApplicationName
	LogsQuery
	PodName string `path:"podName" maxLength:"253"`
}

// logLine is a line of a log as clients of Argo CD's API read it.
type logLine struct {
	Content   string    `json:"content"`
	Time      time.Time `json:"timeStamp"`
	TimeText  string    `json:"timeStampStr"`
	Pod       string    `json:"podName"`
	Last      bool      `json:"last"`
	Container string    `json:"container,omitempty"`
}

// logs are the calls that show logs.
type logs struct{ looked }

func (s logs) register() {
	tags := []string{"applications"}
	register(s.service, huma.Operation{OperationID: "applicationLogs", Method: http.MethodGet, Path: "/api/v1/applications/{name}/logs", Summary: "The logs of an Application's pods", Tags: tags}, s.ofApplication)
	register(s.service, huma.Operation{OperationID: "podLogs", Method: http.MethodGet, Path: "/api/v1/applications/{name}/pods/{podName}/logs", Summary: "The logs of one of an Application's pods", Tags: tags}, s.ofPod)
}

func (s logs) ofApplication(ctx context.Context, c *caller, in *logsInput) (*huma.StreamResponse, error) {
	return s.read(ctx, c, in.ApplicationName, in.PodName, in.LogsQuery)
}

func (s logs) ofPod(ctx context.Context, c *caller, in *podLogsInput) (*huma.StreamResponse, error) {
	return s.read(ctx, c, in.ApplicationName, in.PodName, in.LogsQuery)
}

// readLogs is the request for logs: who may read them may see the Application as well.
func readLogs(a access.Application) access.Request {
	return slices.Concat(a.On(access.Get), a.Logs())
}

func (s logs) read(ctx context.Context, c *caller, of ApplicationName, pod string, q LogsQuery) (*huma.StreamResponse, error) {
	app, err := s.find(ctx, c, of, readLogs)
	if err != nil {
		return nil, err
	}
	options, keep, err := q.options()
	if err != nil {
		return nil, err
	}
	within, err := s.reach(ctx, app)
	if err != nil {
		return nil, err
	}
	pods, err := s.pods(ctx, within, app, pod, q)
	if err != nil {
		return nil, err
	}
	sources, err := open(ctx, within, pods, q.Container, options)
	if err != nil {
		return nil, err
	}
	judge := func(ctx context.Context, c *caller) error {
		_, err := s.find(ctx, c, of, readLogs)
		return err
	}
	as := media{}
	if q.Download {
		as.file = app.Name + ".log"
	}
	return s.stream(c, judge, as, func(ctx context.Context, f *frames) error { return copyLogs(ctx, f, sources, keep, q.Follow) })
}

// pods returns the pods that a query names, of those of an Application.
func (s logs) pods(ctx context.Context, within *destination, app *v1alpha1.Application, pod string, q LogsQuery) ([]view.Node, error) {
	nodes, _, err := s.nodes(ctx, app)
	if err != nil {
		return nil, err
	}
	var found []view.Node
	below := map[string]bool{}
	for _, n := range nodes {
		// An owner comes before what it owns.
		below[n.ID] = below[n.Parent] || q.names(n)
		if n.Group != "" || n.Kind != "Pod" || !below[n.ID] || pod != "" && n.Name != pod {
			continue
		}
		if within.bounds.Hold(plan.Key{Kind: "Pod", Namespace: n.Namespace, Name: n.Name}) {
			found = append(found, n)
		}
	}
	switch {
	case len(found) == 0:
		return nil, &problem.Error{Kind: problem.Absent, Object: "Application " + app.Name, Cause: "no pods found that fit", Remedy: "see its resource-tree"}
	case len(found) > mostLogPods:
		return nil, &problem.Error{Kind: problem.Usage, Object: "Application " + app.Name, Cause: fmt.Sprintf("max pods to view logs are reached: %d fit, and %d at most are shown", len(found), mostLogPods), Remedy: "name a pod, or an object that has fewer"}
	}
	return found, nil
}

// names reports whether a query is about an object; one that names none is about all.
func (q LogsQuery) names(n view.Node) bool {
	return (q.Namespace == "" || q.Namespace == n.Namespace) && (q.Kind == "" || q.Kind == n.Kind) && (q.Group == "" || q.Group == n.Group) && (q.ResourceName == "" || q.ResourceName == n.Name)
}

// keeps reports whether a line is shown.
type keeps func(line logLine) bool

// options returns what is asked of the API server, and which of the lines are shown.
func (q LogsQuery) options() (corev1.PodLogOptions, keeps, error) {
	o := corev1.PodLogOptions{Follow: q.Follow, Previous: q.Previous, Timestamps: true}
	if q.TailLines > 0 {
		o.TailLines = &q.TailLines
	}
	if q.SinceSeconds > 0 {
		o.SinceSeconds = &q.SinceSeconds
	}
	since, err := timeOf("sinceTime", q.SinceTime)
	if err != nil {
		return o, nil, err
	}
	if !since.IsZero() && q.SinceSeconds == 0 {
		o.SinceTime = &metav1.Time{Time: since}
	}
	until, err := timeOf("untilTime", q.UntilTime)
	if err != nil {
		return o, nil, err
	}
	fold := strings.ToLower
	if q.MatchCase {
		fold = func(text string) string { return text }
	}
	text, inverted := strings.CutPrefix(fold(q.Filter), "!")
	return o, func(line logLine) bool {
		return (until.IsZero() || !line.Time.After(until)) && (text == "" || strings.Contains(fold(line.Content), text) != inverted)
	}, nil
}

func timeOf(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, &problem.Error{Kind: problem.Usage, Object: name, Cause: "invalid time", Remedy: "write it as 2026-05-01T12:00:00Z", Err: err}
	}
	return at, nil
}

// logSource is the log of a container that is read.
type logSource struct {
	pod, container string
	open           func(context.Context) (io.ReadCloser, error)
	lines          chan logLine
	err            error
}

// open finds the containers whose logs are asked for. Nothing is read yet.
func open(ctx context.Context, within *destination, pods []view.Node, container string, options corev1.PodLogOptions) ([]*logSource, error) {
	var all []*logSource
	for _, n := range pods {
		pod := &corev1.Pod{}
		if err := within.Get(ctx, client.ObjectKey{Namespace: n.Namespace, Name: n.Name}, pod); err != nil {
			if client.IgnoreNotFound(err) == nil && len(pods) > 1 {
				continue
			}
			return nil, err
		}
		options := options
		var err error
		if options.Container, err = containerOf(pod, container); err != nil {
			return nil, err
		}
		all = append(all, &logSource{
			pod: n.Name, container: options.Container, lines: make(chan logLine, 64),
			open: func(ctx context.Context) (io.ReadCloser, error) {
				return within.Core.Pods(n.Namespace).GetLogs(n.Name, &options).Stream(ctx)
			},
		})
	}
	return all, nil
}

// defaultContainer is the annotation by which a pod names the container that people mean.
const defaultContainer = "kubectl.kubernetes.io/default-container"

func containerOf(pod *corev1.Pod, wanted string) (string, error) {
	var names []string
	for _, c := range pod.Spec.Containers {
		names = append(names, c.Name)
	}
	of := names
	for _, c := range pod.Spec.InitContainers {
		names = append(names, c.Name)
	}
	for _, c := range pod.Spec.EphemeralContainers {
		names = append(names, c.Name)
	}
	switch byDefault := pod.Annotations[defaultContainer]; {
	case wanted != "" && !slices.Contains(names, wanted):
		return "", &problem.Error{Kind: problem.Usage, Object: "container " + wanted, Cause: "not found in Pod " + pod.Name, Remedy: "there are: " + strings.Join(names, ", ")}
	case wanted != "":
		return wanted, nil
	case slices.Contains(names, byDefault):
		return byDefault, nil
	case len(of) > 0:
		return of[0], nil
	}
	return "", &problem.Error{Kind: problem.Absent, Object: "Pod " + pod.Name, Cause: "no containers found"}
}

// copyLogs sends the lines of logs: in the order of their times, or as they come where they are followed. What is not
// sent yet is not read.
func copyLogs(ctx context.Context, f *frames, sources []*logSource, keep keeps, follow bool) error {
	ctx, end := context.WithCancel(ctx)
	var reading sync.WaitGroup
	defer reading.Wait()
	defer end()
	for _, s := range sources {
		reading.Go(func() { s.read(ctx) })
	}
	next := inOrder(sources)
	if follow {
		next = asTheyCome(ctx, sources)
	}
	for {
		line, ok := next()
		if !ok {
			break
		}
		if !keep(line) {
			continue
		}
		if err := f.sendLine(line); err != nil {
			return err
		}
	}
	if err := firstError(sources); err != nil && ctx.Err() == nil {
		return err
	}
	if f.bare || ctx.Err() != nil {
		return nil
	}
	now := time.Now().UTC()
	return f.send(logLine{Time: now, TimeText: now.Format(time.RFC3339Nano), Last: true})
}

func firstError(sources []*logSource) error {
	for _, s := range sources {
		if s.err != nil {
			return &problem.Error{Kind: problem.Refused, Object: "log of Pod " + s.pod, Cause: s.err.Error(), Err: s.err}
		}
	}
	return nil
}

func (f *frames) sendLine(line logLine) error {
	if f.bare {
		return f.hold(line.Content + "\n")
	}
	text, err := f.framed(map[string]any{"result": line})
	if err != nil {
		return err
	}
	return f.hold(text)
}

// read reads a log until its end or until ctx ends.
func (s *logSource) read(ctx context.Context) {
	defer close(s.lines)
	stream, err := s.open(ctx)
	if err != nil {
		s.err = err
		return
	}
	defer func() { _ = stream.Close() }()
	for lines := bufio.NewReaderSize(stream, longestLine); ; {
		text, err := lines.ReadSlice('\n')
		if len(text) > 0 {
			select {
			case s.lines <- s.line(strings.TrimSuffix(string(text), "\n")):
			case <-ctx.Done():
				return
			}
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if !errors.Is(err, io.EOF) {
				s.err = err
			}
			return
		}
	}
}

// line returns a line as it is sent. It begins with its time.
func (s *logSource) line(text string) logLine {
	l := logLine{Content: text, Pod: s.pod, Container: s.container}
	stamp, rest, _ := strings.Cut(text, " ")
	if at, err := time.Parse(time.RFC3339Nano, stamp); err == nil {
		l.Content, l.Time, l.TimeText = rest, at, stamp
	}
	return l
}

// inOrder returns the lines of logs in the order of their times.
func inOrder(sources []*logSource) func() (logLine, bool) {
	heads := make([]*logLine, len(sources))
	return func() (logLine, bool) {
		first := -1
		for i, s := range sources {
			if heads[i] == nil {
				if line, ok := <-s.lines; ok {
					heads[i] = &line
				}
			}
			if heads[i] != nil && (first < 0 || heads[i].Time.Before(heads[first].Time)) {
				first = i
			}
		}
		if first < 0 {
			return logLine{}, false
		}
		line := *heads[first]
		heads[first] = nil
		return line, true
	}
}

// asTheyCome returns the lines of logs as they come.
func asTheyCome(ctx context.Context, sources []*logSource) func() (logLine, bool) {
	all := make(chan logLine)
	var open sync.WaitGroup
	for _, s := range sources {
		open.Go(func() {
			for line := range s.lines {
				select {
				case all <- line:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	go func() {
		open.Wait()
		close(all)
	}()
	return func() (logLine, bool) {
		line, ok := <-all
		return line, ok
	}
}
