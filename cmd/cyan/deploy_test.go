package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// deployed are the objects by which the server is deployed to a cluster.
type deployed struct {
	*testing.T
	objects []*unstructured.Unstructured
}

func newDeployed(t *testing.T) deployed {
	t.Helper()
	rendered, err := renderers.Render(os.DirFS("../../deploy"), v1alpha1.ApplicationSource{Path: "."}, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := deployed{T: t}
	for _, o := range rendered.Objects {
		d.objects = append(d.objects, o.Object)
	}
	return d
}

// find reads the object of a kind and a name into a typed one.
func (d deployed) find(kind, name string, into any) {
	d.Helper()
	for _, o := range d.objects {
		if o.GetKind() == kind && o.GetName() == name {
			if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, into, true); err != nil {
				d.Fatal(err)
			}
			return
		}
	}
	d.Fatalf("no %s %s among those that are deployed", kind, name)
}

// What is deployed fits together: Services lead to the ports that the server is told to listen on.
func TestWhatIsDeployed(t *testing.T) {
	d := newDeployed(t)
	server, page := &appsv1.Deployment{}, &corev1.Service{}
	d.find("Deployment", "argocd-server", server)
	d.find("Service", "argocd-server", page)
	container := server.Spec.Template.Spec.Containers[0]
	ports := map[string]int32{}
	for _, p := range container.Ports {
		ports[p.Name] = p.ContainerPort
	}
	for flag, port := range map[string]string{"--api-listen": "server", "--listen": "metrics"} {
		if want := fmt.Sprintf("%s=:%d", flag, ports[port]); !slices.Contains(container.Args, want) {
			t.Errorf("%v has no %s", container.Args, want)
		}
	}
	for _, o := range d.objects {
		if o.GetKind() != "Service" {
			continue
		}
		service := &corev1.Service{}
		d.find("Service", o.GetName(), service)
		if !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(server.Spec.Template.Labels)) {
			t.Errorf("Service %s selects %v, and the server's pods have %v", service.Name, service.Spec.Selector, server.Spec.Template.Labels)
		}
		for _, p := range service.Spec.Ports {
			if ports[p.TargetPort.String()] == 0 {
				t.Errorf("Service %s leads to port %s, and the server has %v", service.Name, p.TargetPort.String(), ports)
			}
		}
	}
	// kubectl port-forward svc/argocd-server -n argocd 8080:443
	if page.Namespace != "argocd" || !slices.ContainsFunc(page.Spec.Ports, func(p corev1.ServicePort) bool {
		return p.Port == 443 && ports[p.TargetPort.String()] == ports["server"]
	}) {
		t.Errorf("Service argocd-server is in namespace %q with ports %v", page.Namespace, page.Spec.Ports)
	}
}

// The server works with the line and the rights that it is deployed with, and its certificate has the name of its
// Service.
func TestTheServerAsItIsDeployed(t *testing.T) {
	cluster := testkit.Cluster(t)
	namespace := cluster.Namespace(t)
	d := newDeployed(t)
	server := &appsv1.Deployment{}
	d.find("Deployment", "argocd-server", server)
	d.create(cluster, namespace)
	token := &authenticationv1.TokenRequest{}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: server.Spec.Template.Spec.ServiceAccountName}}
	if err := cluster.Client.SubResource("token").Create(t.Context(), account, token); err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:  map[string]*clientcmdapi.Cluster{"c": {Server: cluster.Config.Host, CertificateAuthorityData: cluster.Config.CAData, CertificateAuthority: cluster.Config.CAFile, InsecureSkipTLSVerify: cluster.Config.Insecure}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"u": {Token: token.Status.Token}},
		Contexts:  map[string]*clientcmdapi.Context{"x": {Cluster: "c", AuthInfo: "u"}}, CurrentContext: "x",
	}, kubeconfig); err != nil {
		t.Fatal(err)
	}
	args := []string{"--kubeconfig", kubeconfig, "--skip-crds", "--beside-others"}
	line := strings.NewReplacer("$(NAMESPACE)", namespace, "=:8080", "=:0", "=:8082", "=127.0.0.1:0", "/data/", t.TempDir()+"/")
	for _, arg := range server.Spec.Template.Spec.Containers[0].Args {
		args = append(args, line.Replace(arg))
	}
	cmd := program(t, t.TempDir(), append(args[4:], args[:4]...)...)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	said, err := bufio.NewReader(out).ReadString('\n')
	at := regexp.MustCompile(`https://[^/]*:(\d+)/`).FindStringSubmatch(said)
	if at == nil {
		t.Fatalf("the server says %q, %v", said, err)
	}
	d.logIn(cluster, namespace, net.JoinHostPort("127.0.0.1", at[1]))
}

// create makes what is deployed in a namespace of its own.
func (d deployed) create(cluster *testkit.LocalCluster, namespace string) {
	d.Helper()
	for _, o := range d.objects {
		o := o.DeepCopy()
		switch o.GetKind() {
		case "ClusterRole", "ClusterRoleBinding":
			o.SetName(o.GetName() + "-" + namespace)
		default:
			o.SetNamespace(namespace)
		}
		if o.GetKind() == "ClusterRoleBinding" {
			binding := &rbacv1.ClusterRoleBinding{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, binding); err != nil {
				d.Fatal(err)
			}
			binding.RoleRef.Name += "-" + namespace
			binding.Subjects[0].Namespace = namespace
			fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(binding)
			if err != nil {
				d.Fatal(err)
			}
			o.Object = fields
			o.SetAPIVersion("rbac.authorization.k8s.io/v1")
			o.SetKind("ClusterRoleBinding")
		}
		if err := cluster.Client.Create(d.Context(), o); err != nil {
			d.Fatal(err)
		}
		d.Cleanup(func() { _ = cluster.Client.Delete(context.Background(), o) })
	}
}

// logIn logs in to the server as its Service's name, and lists Applications.
func (d deployed) logIn(cluster *testkit.LocalCluster, namespace, address string) {
	d.Helper()
	password, kept := &corev1.Secret{}, &corev1.Secret{}
	for name, into := range map[string]*corev1.Secret{auth.InitialPasswordName: password, auth.SecretName: kept} {
		if err := cluster.Client.Get(d.Context(), client.ObjectKey{Namespace: namespace, Name: name}, into); err != nil {
			d.Fatal(err)
		}
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(kept.Data["tls.crt"])
	http1 := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, ServerName: "argocd-server"}}} //nolint:gosec // the newest version is taken
	ask := func(method, path, token, body string) map[string]any {
		r, err := http.NewRequestWithContext(d.Context(), method, "https://"+address+path, strings.NewReader(body))
		if err != nil {
			d.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := http1.Do(r)
		if err != nil {
			d.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		text, err := io.ReadAll(answer.Body)
		fields := map[string]any{}
		if err != nil || answer.StatusCode != http.StatusOK || json.Unmarshal(text, &fields) != nil {
			d.Fatalf("%s %s: %s %s %v", method, path, answer.Status, text, err)
		}
		return fields
	}
	session := ask(http.MethodPost, "/api/v1/session", "", fmt.Sprintf(`{"username":"admin","password":%q}`, password.Data["password"]))
	token, _ := session["token"].(string)
	if all := ask(http.MethodGet, "/api/v1/applications", token, ""); all["items"] == nil {
		d.Errorf("listed %v", all)
	}
	clusters, _ := ask(http.MethodGet, "/api/v1/clusters", token, "")["items"].([]any)
	if len(clusters) != 1 || clusters[0].(map[string]any)["connectionState"].(map[string]any)["status"] != "Successful" {
		d.Errorf("clusters are %v", clusters)
	}
}
