package devloop

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/cyan-cd/cyan/internal/skaffold"
)

func TestPortOf(t *testing.T) {
	service := &corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{
		{Name: "http", Port: 80, TargetPort: intstr.FromString("web")}, {Name: "same", Port: 81}, {Name: "other", Port: 82, TargetPort: intstr.FromInt32(8082)}, {Name: "none", Port: 83, TargetPort: intstr.FromString("none")},
	}}}
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{}, {Ports: []corev1.ContainerPort{{Name: "admin", ContainerPort: 1}, {Name: "web", ContainerPort: 8080}}}}}}
	for port, want := range map[string]int{"80": 8080, "http": 8080, "81": 81, "same": 81, "82": 8082, "83": 0, "9": 0, "x": 0} {
		if got := portOf(service, intstr.Parse(port), pod); got != want {
			t.Errorf("port %s: got %d, want %d", port, got, want)
		}
	}
}

func TestForwardsOf(t *testing.T) {
	service := func(name string, ports ...corev1.ServicePort) *corev1.Service {
		return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": name}, Ports: ports}}
	}
	headless := service("outside", corev1.ServicePort{Port: 1})
	headless.Spec.Selector = nil
	all := []*corev1.Service{service("app", corev1.ServicePort{Name: "http", Port: 80}), service("dns", corev1.ServicePort{Port: 53, Protocol: corev1.ProtocolUDP}, corev1.ServicePort{Port: 54}), headless}
	named := skaffold.Forward{Type: "service", Name: "app", Port: "http", LocalPort: 9000}
	for _, row := range []struct {
		rule  string
		named []skaffold.Forward
		mode  ForwardMode
		want  []string
	}{
		{"those that the project names", []skaffold.Forward{named}, ForwardAuto, []string{"app http"}},
		{"those of all Services where it names none", nil, ForwardAuto, []string{"app 80", "dns 54"}},
		{"none but those that it names", nil, ForwardUser, nil},
		{"all, each once", []skaffold.Forward{named}, ForwardServices, []string{"app http", "dns 54"}},
		{"none", []skaffold.Forward{named}, ForwardOff, nil},
	} {
		var got []string
		for _, f := range forwardsOf(skaffold.Project{Forwards: row.named}, all, row.mode) {
			got = append(got, f.Name+" "+f.Port)
		}
		if !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: got %q, want %q", row.rule, got, row.want)
		}
	}
}

func TestListenFor(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	listener, chosen, err := listenFor(port, 80, "")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if got := listener.Addr().(*net.TCPAddr).Port; got == port || chosen != fmt.Sprintf("port %d is taken", port) {
		t.Errorf("got port %d, %q; want another one, and why", got, chosen)
	}
	for _, row := range []struct {
		asked, there int
		want         []int
	}{{9000, 80, []int{9000, 0}}, {0, 8080, []int{8080, 0}}, {0, 1024, []int{1024, 0}}, {0, 80, []int{8080, 0}}, {0, 0, []int{0}}} {
		if got := portsFor(row.asked, row.there); !reflect.DeepEqual(got, row.want) {
			t.Errorf("asked for %d, there %d: got %v, want %v", row.asked, row.there, got, row.want)
		}
	}
}

func TestIsHTTP(t *testing.T) {
	for begin, want := range map[string]bool{"GET /": true, "POST ": true, "PATCH": true, "PUT /": true, "HEAD ": true, "DELET": true, "OPTIO": true, "TRACE": true, "": false, "GET": false, "*3\r\n$": false, "\x16\x03\x01\x02\x00": false} {
		if got := isHTTP([]byte(begin)); got != want {
			t.Errorf("%q: got %v, want %v", begin, got, want)
		}
	}
}

func TestRepeatable(t *testing.T) {
	for _, row := range []struct {
		method string
		body   io.Reader
		want   bool
	}{{"GET", nil, true}, {"HEAD", nil, true}, {"GET", strings.NewReader("x"), false}, {"POST", nil, false}, {"PUT", nil, false}} {
		r, err := http.NewRequest(row.method, "http://x/", row.body)
		if err != nil {
			t.Fatal(err)
		}
		if got := repeatable(r); got != row.want {
			t.Errorf("%s, body %v: got %v, want %v", row.method, row.body, got, row.want)
		}
	}
}

func TestEachLine(t *testing.T) {
	var got []string
	eachLine(strings.NewReader("a\n\nb\r\n"+strings.Repeat("x", 3*longestLine)+"\nlast"), func(line string) { got = append(got, line) })
	if len(got) != 5 || got[0] != "a" || got[1] != "" || got[2] != "b" || got[4] != "last" {
		t.Fatalf("got %d lines %.40q, want a, an empty one, b, a long one, last", len(got), got)
	}
	if len(got[3]) > longestLine+len("…") || !strings.HasSuffix(got[3], "x…") {
		t.Errorf("a long line: got %d bytes, want it cut", len(got[3]))
	}
}
