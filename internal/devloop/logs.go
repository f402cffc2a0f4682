package devloop

import (
	"bufio"
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// LogOptions are which logs are shown.
type LogOptions struct {
	// Off shows none.
	Off bool
	// Since is how far back the logs go of what runs already when the loop begins.
	Since time.Duration
	// Filter is a text that a line has to have; "" is any.
	Filter string
}

// longestLine bounds a line of a log; what is longer is cut.
const longestLine = 16 << 10

// logs follows the containers of the namespace, each from its beginning.
type logs struct {
	*reporter
	scene *scene
	LogOptions
	begun time.Time

	mu sync.Mutex
	// followed are the last runs of containers whose logs are followed, or were.
	followed containerRuns
	// newest are the newest pods that there have been of each container.
	newest map[string]container
	// prefix is how lines begin, as the project has it.
	prefix string
}

// container is one of a pod, with the image that it runs.
type container struct {
	image   string
	created time.Time
}

func newLogs(r *reporter, s *scene, o LogOptions) *logs {
	return &logs{reporter: r, scene: s, LogOptions: o, begun: time.Now(), followed: containerRuns{}, newest: map[string]container{}}
}

// begin follows logs until ctx ends.
func (l *logs) begin(ctx context.Context, tasks *tasks) {
	if l.Off {
		return
	}
	l.scene.onPod(func(pod *corev1.Pod) {
		if ctx.Err() != nil {
			return
		}
		l.meet(pod)
		for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			// One that waits, or has not begun, has no log yet.
			if c.ContainerID == "" || c.State.Running == nil && c.State.Terminated == nil || !l.first(pod.UID, c) {
				continue
			}
			of := containerOf(pod, c.Name)
			tasks.Go(func() { l.follow(ctx, pod.Name, c.Name, of) })
		}
	}, func(pod types.UID) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.followed.forget(pod)
	})
}

// first reports whether a run of a container is seen for the first time.
func (l *logs) first(pod types.UID, c corev1.ContainerStatus) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.followed.note(pod, c)
}

// containerOf returns what a container of a pod runs.
func containerOf(pod *corev1.Pod, name string) container {
	found := container{created: pod.CreationTimestamp.Time}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if c.Name == name {
			found.image = c.Image
		}
	}
	return found
}

// meet notes the containers of a pod that is newer than those before.
func (l *logs) meet(pod *corev1.Pod) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if met := (container{c.Image, pod.CreationTimestamp.Time}); l.newest[c.Name].created.Before(met.created) {
			l.newest[c.Name] = met
		}
	}
}

// replaced reports whether another image has taken the place of a container's.
func (l *logs) replaced(name string, of container) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	newest := l.newest[name]
	return newest.image != of.image && of.created.Before(newest.created)
}

// begins has lines begin as a project has it from now on.
func (l *logs) begins(prefix string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.prefix = prefix
}

func (l *logs) prefixed() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.prefix
}

func (l *logs) follow(ctx context.Context, pod, name string, of container) {
	from := metav1.NewTime(l.begun.Add(-l.Since))
	stream, err := l.scene.clients.CoreV1().Pods(l.scene.namespace).GetLogs(pod, &corev1.PodLogOptions{Container: name, Follow: true, SinceTime: &from}).Stream(ctx)
	if err != nil {
		return
	}
	defer stream.Close()
	eachLine(stream, func(line string) {
		if strings.Contains(line, l.Filter) {
			l.report(Event{Kind: Log, Pod: pod, Container: name, Text: line, Old: l.replaced(name, of), Prefix: l.prefixed()})
		}
	})
}

// eachLine calls a function for each line, without its end and cut to a bound.
func eachLine(from io.Reader, see func(string)) {
	read := bufio.NewReaderSize(from, longestLine)
	for {
		line, cut, err := read.ReadLine()
		if err != nil {
			return
		}
		text := string(line)
		for cut && err == nil {
			_, cut, err = read.ReadLine()
			if !cut {
				text += "…"
			}
		}
		see(text)
	}
}
