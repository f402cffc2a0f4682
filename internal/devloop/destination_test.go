package devloop

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// deployments are the resource by which workloads of a project are watched in these tests.
var deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}

// seen is a scene of what a test puts into it.
type seen struct {
	*scene
	pods, services, workloads cache.Indexer
}

func newSeen(t *testing.T) *seen {
	t.Helper()
	indexers := cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}
	s := &seen{pods: cache.NewIndexer(cache.MetaNamespaceKeyFunc, indexers), services: cache.NewIndexer(cache.MetaNamespaceKeyFunc, indexers), workloads: cache.NewIndexer(cache.MetaNamespaceKeyFunc, indexers)}
	s.scene = &scene{guard: func(do func()) { do() }, isAtRest: asOwn{}.isAtRest, namespace: "dev", pods: corelisters.NewPodLister(s.pods).Pods("dev"), services: corelisters.NewServiceLister(s.services).Services("dev"), changed: map[chan struct{}]bool{}, watched: map[schema.GroupVersionResource]cache.GenericLister{}, kinds: served{}}
	s.watched[deployments] = cache.NewGenericLister(s.workloads, deployments.GroupResource())
	return s
}

// served are the kinds of these tests.
type served struct{}

func (served) Resource(kind schema.GroupVersionKind) (schema.GroupVersionResource, bool, bool) {
	return deployments, true, kind.Kind == "Deployment" || kind.Kind == v1alpha1.RolloutKind
}

func (served) Served(schema.GroupKind) []string { return nil }

// pod puts a pod into the scene; it is ready unless its name says otherwise.
func (s *seen) pod(t *testing.T, name, app, image string, age time.Duration) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "dev", Name: name, UID: types.UID(name), Labels: map[string]string{"app": app}, CreationTimestamp: metav1.NewTime(time.Unix(1_000_000, 0).Add(-age))},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: image, Ports: []corev1.ContainerPort{{Name: "web", ContainerPort: 8080}}}}},
		Status:     corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "c", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}},
	}
	if !strings.Contains(name, "starting") {
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	}
	if strings.Contains(name, "ending") {
		pod.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	}
	if strings.HasPrefix(name, "nightly-") {
		pod.Labels["batch.kubernetes.io/job-name"] = "nightly-1"
	}
	if err := s.pods.Add(pod); err != nil {
		t.Fatal(err)
	}
	return pod
}

func (s *seen) add(t *testing.T, to cache.Indexer, object any) {
	t.Helper()
	if err := to.Add(object); err != nil {
		t.Fatal(err)
	}
}

// Where a port of each kind leads: pods that are ready and there to stay, the newest first.
func TestDestinations(t *testing.T) {
	s := newSeen(t)
	s.pod(t, "app-old", "app", "127.0.0.1:5000/r/app@sha256:1", time.Hour)
	s.pod(t, "app-new", "app", "127.0.0.1:5000/r/app@sha256:2", time.Minute)
	s.pod(t, "app-starting", "app", "127.0.0.1:5000/r/app@sha256:3", time.Second)
	s.pod(t, "app-ending", "app", "127.0.0.1:5000/r/app@sha256:1", time.Second)
	s.pod(t, "db-1", "db", "postgres", time.Hour)
	s.pod(t, "nightly-1-x", "job", "job", time.Hour)
	s.add(t, s.services, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "dev", Name: "app"}, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "app"}, Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("web")}}}})
	s.add(t, s.services, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "dev", Name: "outside"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}})
	s.add(t, s.workloads, &unstructured.Unstructured{Object: map[string]any{"kind": "Deployment", "metadata": map[string]any{"namespace": "dev", "name": "app"}, "spec": map[string]any{"selector": map[string]any{"matchLabels": map[string]any{"app": "app"}}}}})
	s.add(t, s.workloads, &unstructured.Unstructured{Object: map[string]any{"kind": "Deployment", "metadata": map[string]any{"namespace": "dev", "name": "bare"}, "spec": map[string]any{}}})
	for _, row := range []struct {
		kind, name, port string
		want             string
	}{
		{"service", "app", "80", "app-new:8080 app-old:8080"},
		{"Service", "app", "http", "app-new:8080 app-old:8080"},
		{"", "app", "80", "app-new:8080 app-old:8080"},
		{"service", "app", "81", ""},
		{"service", "outside", "80", ""},
		{"service", "none", "80", ""},
		{"deployment", "app", "8080", "app-new:8080 app-old:8080"},
		{"Deployment", "app", "web", "app-new:8080 app-old:8080"},
		{"rollout", "app", "9", "app-new:9 app-old:9"},
		{"deployment", "app", "none", ""},
		{"deployment", "none", "80", ""},
		{"deployment", "bare", "80", ""},
		{"pod", "db-1", "5432", "db-1:5432"},
		{"pod", "db", "5432", ""},
		{"cronjob", "nightly", "80", "nightly-1-x:80"},
		{"configmap", "app", "80", "error: configmap app: no pods are known of this kind; name a Service, a Pod or a workload"},
		{"statefulset", "app", "80", "error: watching StatefulSet: the cluster does not serve it"},
	} {
		to, err := destinations{s.scene}.destinationOf(t.Context(), skaffold.Forward{Type: row.kind, Name: row.name, Port: row.port})
		got := ""
		if err != nil {
			got = "error: " + err.Error()
		} else {
			got = listed(to)
		}
		if got != row.want {
			t.Errorf("%s %s, port %s: got %q, want %q", row.kind, row.name, row.port, got, row.want)
		}
	}
	if got := listed(destinations{s.scene}.debuggerIn("app", "127.0.0.1:5000/r/app", 56268)); got != "app-starting:56268 app-new:56268 app-old:56268" {
		t.Errorf("the debugger: got %q; want those that run, ready or not", got)
	}
}

// listed are the endpoints of a destination in the order in which they are tried.
func listed(to destination) string {
	all := to.endpoints()
	slices.SortFunc(all, func(a, b endpoint) int {
		if a.before(b, nil) {
			return -1
		}
		return 1
	})
	var names []string
	for _, e := range all {
		names = append(names, fmt.Sprint(e.pod.Name, ":", e.port))
	}
	return strings.Join(names, " ")
}

// dials is a dialer that answers with programs of a test.
type dials func(pod *corev1.Pod, port int) (net.Conn, error)

func (d dials) dial(pod *corev1.Pod, port int) (net.Conn, error) { return d(pod, port) }

// conn is an end of a connection to a program that answers each request with its name and what it has got, or does
// nothing but end.
func conn(name string, end error, after int) net.Conn {
	here, there := net.Pipe()
	if end != nil {
		return &ends{Conn: here, err: end, after: after, sent: make(chan struct{})}
	}
	go func() {
		defer there.Close()
		request, err := http.ReadRequest(bufio.NewReader(there))
		if err != nil {
			return
		}
		body, _ := io.ReadAll(request.Body)
		text := name + " got " + request.Method + " " + string(body)
		fmt.Fprintf(there, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(text), text)
	}()
	return here
}

// ends is a connection that takes what is sent, and then answers with an error.
type ends struct {
	net.Conn
	err        error
	got, after int
	sent       chan struct{}
	once       sync.Once
}

func (e *ends) Write(p []byte) (int, error) {
	if e.got += len(p); e.got >= e.after {
		e.once.Do(func() { close(e.sent) })
	}
	return len(p), nil
}

func (e *ends) Read([]byte) (int, error) {
	<-e.sent
	return 0, e.err
}

func (e *ends) Close() error {
	e.once.Do(func() { close(e.sent) })
	return nil
}

// A request that a pod has not got goes to another one, whole, whatever it is; one that may have done something is sent
// again only when it changes nothing.
func TestRequestsAreNotLost(t *testing.T) {
	refused := errors.Join(errNotDialled, errors.New("connection refused"))
	big := strings.Repeat("x", mostResent+1)
	for _, row := range []struct {
		rule, method, body string
		// dial and end are what becomes of the newest pod: it is not reached, or ends the connection.
		dial, end error
		want      string
	}{
		{"the newest pod answers", "GET", "", nil, nil, "new got GET "},
		{"one that is not reached", "GET", "", refused, nil, "old got GET "},
		{"a change, where the pod is not reached", "POST", "order 1", refused, nil, "old got POST order 1"},
		{"a change that was sent and that nothing has got", "POST", "order 1", nil, refused, "old got POST order 1"},
		{"a change without a body", "DELETE", "", nil, refused, "old got DELETE "},
		{"a question that a pod has got and not answered", "GET", "", nil, io.EOF, "old got GET "},
		{"a change that a pod may have got", "POST", "order 1", nil, io.EOF, "502"},
		{"more than is kept, where the pod is not reached", "POST", big, refused, nil, "old got POST " + big},
		{"more than is kept, part of which was sent", "POST", big, nil, refused, "502"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			s := newSeen(t)
			s.pod(t, "old", "app", "i", time.Hour)
			s.pod(t, "new", "app", "i", time.Minute)
			f := newForward(s.scene, dials(func(pod *corev1.Pod, _ int) (net.Conn, error) {
				if pod.Name == "new" && row.dial != nil {
					return nil, row.dial
				}
				if pod.Name == "new" {
					return conn(pod.Name, row.end, len(row.body)), nil
				}
				return conn(pod.Name, nil, 0), nil
			}), destination{name: "Service app", endpoints: func() []endpoint {
				return destinations{s.scene}.taking(labels.Everything(), intstr.FromInt32(80), func(*corev1.Pod) bool { return true })
			}})
			if got := ask(t, f, row.method, row.body); !strings.HasPrefix(got, row.want) {
				t.Errorf("got %.60q, want %.60q", got, row.want)
			}
		})
	}
}

// ask sends a request through a forward, and returns the answer, or the status of one that failed.
func ask(t *testing.T, f *forward, method, body string) string {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() { f.serve(ctx, &tasks{}, listener) })
	defer served.Wait()
	defer end()
	request, err := http.NewRequest(method, "http://"+listener.Addr().String()+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		return fmt.Sprint(response.StatusCode, " ", string(text))
	}
	return string(text)
}

// A request waits for a pod that is not ready yet.
func TestRequestsWaitForAPod(t *testing.T) {
	s := newSeen(t)
	f := newForward(s.scene, dials(func(pod *corev1.Pod, _ int) (net.Conn, error) { return conn(pod.Name, nil, 0), nil }), destination{name: "Service app", endpoints: func() []endpoint {
		return destinations{s.scene}.taking(labels.Everything(), intstr.FromInt32(80), func(*corev1.Pod) bool { return true })
	}})
	answered := make(chan string, 1)
	go func() {
		recorder := httptest.NewRecorder()
		response, err := f.RoundTrip(httptest.NewRequest(http.MethodPost, "http://x/", strings.NewReader("order")))
		if err != nil {
			answered <- err.Error()
			return
		}
		_, _ = io.Copy(recorder, response.Body)
		answered <- recorder.Body.String()
	}()
	for looked := false; !looked; {
		s.mu.Lock()
		looked = len(s.changed) > 0
		s.mu.Unlock()
	}
	s.poke(s.pod(t, "late", "app", "i", 0))
	if got := <-answered; got != "late got POST order" {
		t.Errorf("got %q", got)
	}
}

// A debugger is connected to without a look at what it speaks.
func TestDebuggersSpeakFirst(t *testing.T) {
	s := newSeen(t)
	s.pod(t, "app-starting", "app", "127.0.0.1:5000/r/app@sha256:1", 0)
	f := newForward(s.scene, dials(func(*corev1.Pod, int) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			fmt.Fprint(there, "hello")
			there.Close()
		}()
		return here, nil
	}), destinations{s.scene}.debuggerIn("app", "127.0.0.1:5000/r/app", 1))
	ctx, end := context.WithCancel(t.Context())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() { f.serve(ctx, &tasks{}, listener) })
	defer served.Wait()
	defer end()
	connection, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if text, err := io.ReadAll(connection); err != nil || string(text) != "hello" {
		t.Errorf("got %q, %v", text, err)
	}
}
