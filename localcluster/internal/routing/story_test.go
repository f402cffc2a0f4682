package routing

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"
	sigsyaml "sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write what comes out into testdata")

// TestStories: each file of testdata is objects, what requests come to, and what is said of the objects. The README
// there has the language.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	base, err := os.ReadFile("testdata/base.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { tell(t, file, base) })
	}
}

func tell(t *testing.T, file string, base []byte) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	archive := txtar.Parse(text)
	seen := Observed{Address: "127.0.0.1"}
	read(t, &seen, base)
	entry := Entry{Port: 8000, HTTP: true, HTTPS: true}
	for _, f := range archive.Files {
		switch f.Name {
		case "objects":
			read(t, &seen, f.Data)
		case "taken":
			seen.Taken = map[int32]string{}
			for line := range strings.Lines(string(f.Data)) {
				port, why, _ := strings.Cut(strings.TrimSpace(line), " ")
				number, err := strconv.ParseInt(port, 10, 32)
				if err != nil {
					t.Fatal(err)
				}
				seen.Taken[int32(number)] = why
			}
		case "entry":
			entry.HTTP, entry.HTTPS = strings.Contains(string(f.Data), "80"), strings.Contains(string(f.Data), "443")
		}
	}
	result := Build(seen)
	made := map[string]func([]byte) string{
		"asks":   func(data []byte) string { return answers(t, &result.Table, entry, data) },
		"says":   func([]byte) string { return said(result) },
		"status": func([]byte) string { return statuses(result) },
		"table":  func([]byte) string { return listeners(result.Table) },
	}
	for i, f := range archive.Files {
		if make := made[f.Name]; make != nil {
			if got := make(f.Data); got != string(f.Data) && !*update {
				t.Errorf("%s: %s: got\n%swant\n%s", file, f.Name, got, f.Data)
			} else {
				archive.Files[i].Data = []byte(got)
			}
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func decoder(t testing.TB) runtime.Decoder {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, gatewayv1.Install, gatewayv1beta1.Install} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
}

// read adds the objects of a YAML stream. Those without a namespace are in "default".
func read(t testing.TB, seen *Observed, data []byte) {
	t.Helper()
	decode := decoder(t)
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		text, err = sigsyaml.YAMLToJSONStrict(text)
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := decode.Decode(text, nil, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		add(t, seen, object)
	}
}

func add(t testing.TB, seen *Observed, object runtime.Object) {
	t.Helper()
	if o := object.(metav1.Object); o.GetNamespace() == "" {
		o.SetNamespace("default")
	}
	switch o := object.(type) {
	case *networkingv1.Ingress:
		seen.Ingresses = append(seen.Ingresses, o)
	case *networkingv1.IngressClass:
		seen.IngressClasses = append(seen.IngressClasses, o)
	case *corev1.Service:
		seen.Services = append(seen.Services, o)
	case *corev1.Secret:
		for key, value := range o.StringData {
			if o.Data == nil {
				o.Data = map[string][]byte{}
			}
			o.Data[key] = []byte(value)
		}
		seen.Secrets = append(seen.Secrets, o)
	case *corev1.Namespace:
		seen.Namespaces = append(seen.Namespaces, o)
	case *discoveryv1.EndpointSlice:
		seen.EndpointSlices = append(seen.EndpointSlices, o)
	case *gatewayv1.GatewayClass:
		seen.GatewayClasses = append(seen.GatewayClasses, o)
	case *gatewayv1.Gateway:
		seen.Gateways = append(seen.Gateways, o)
	case *gatewayv1.HTTPRoute:
		seen.HTTPRoutes = append(seen.HTTPRoutes, o)
	case *gatewayv1.GRPCRoute:
		seen.GRPCRoutes = append(seen.GRPCRoutes, o)
	case *gatewayv1.TLSRoute:
		seen.TLSRoutes = append(seen.TLSRoutes, o)
	case *gatewayv1.ListenerSet:
		seen.ListenerSets = append(seen.ListenerSets, o)
	case *gatewayv1.BackendTLSPolicy:
		seen.BackendPolicies = append(seen.BackendPolicies, o)
	case *corev1.ConfigMap:
		seen.ConfigMaps = append(seen.ConfigMaps, o)
	case *gatewayv1beta1.ReferenceGrant:
		seen.ReferenceGrants = append(seen.ReferenceGrants, o)
	default:
		t.Fatalf("%T is not observed", object)
	}
}

// answers are the asks, each with what it comes to.
func answers(t *testing.T, table *Table, entry Entry, data []byte) string {
	var out strings.Builder
	for line := range strings.Lines(string(data)) {
		ask, _, _ := strings.Cut(strings.TrimRight(line, "\n"), " => ")
		if strings.TrimSpace(ask) == "" || strings.HasPrefix(ask, "#") {
			out.WriteString(ask + "\n")
			continue
		}
		if name, stream := strings.CutPrefix(ask, "TLS "); stream {
			fmt.Fprintf(&out, "%s => %s\n", ask, streamsTo(t, table, name))
			continue
		}
		request, at := parseAsk(t, ask, entry)
		fmt.Fprintf(&out, "%s => %s\n", ask, comesTo(table, request, at))
	}
	return out.String()
}

// streamsTo is what becomes of a connection with TLS to "NAME:PORT [@random]".
func streamsTo(t *testing.T, table *Table, ask string) string {
	t.Helper()
	address, random, _ := strings.Cut(ask, " @")
	name, port, _ := strings.Cut(address, ":")
	number, err := strconv.ParseInt(port, 10, 32)
	at := 0.0
	if err == nil && random != "" {
		at, err = strconv.ParseFloat(random, 64)
	}
	if err != nil {
		t.Fatal(err)
	}
	route, handling := table.FindStream(int32(number), name)
	switch handling {
	case AsRequests:
		return "requests"
	case AsRefused:
		return "closed"
	}
	backend := route.Choose(at)
	switch {
	case backend == nil:
		return "no backend"
	case backend.Refused != "":
		return "closed: " + backend.Refused
	case route.Terminate:
		return "ends here, then " + backend.Upstream
	}
	return "passes to " + backend.Upstream
}

// parseAsk reads "METHOD URL [Header: value] [@random] [from=address] [here]".
func parseAsk(t *testing.T, ask string, entry Entry) (*Request, float64) {
	t.Helper()
	method, rest, _ := strings.Cut(ask, " ")
	rest, headers, _ := strings.Cut(rest, " [")
	fields := strings.Fields(rest)
	u, err := url.Parse(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	r := &Request{
		Method: method, URL: u, TLS: u.Scheme == "https", Host: u.Hostname(), Entry: entry,
		Header: http.Header{}, Cookies: map[string]string{}, Remote: netip.MustParseAddr("127.0.0.1"),
	}
	at := 0.0
	for _, field := range fields[1:] {
		if value, ok := strings.CutPrefix(field, "@"); ok {
			if at, err = strconv.ParseFloat(value, 64); err != nil {
				t.Fatal(err)
			}
		} else if value, ok := strings.CutPrefix(field, "from="); ok {
			r.Remote = netip.MustParseAddr(value)
		}
	}
	for header := range strings.SplitSeq(strings.TrimSuffix(headers, "]"), "; ") {
		name, value, _ := strings.Cut(header, ": ")
		switch name {
		case "":
		case "Cookie":
			key, value, _ := strings.Cut(value, "=")
			r.Cookies[key] = value
		default:
			r.Header[name] = append(r.Header[name], value)
		}
	}
	port := map[string]int32{"": standardPort(u.Scheme), "8000": standardPort(u.Scheme)}
	number, _ := strconv.ParseInt(u.Port(), 10, 32)
	r.Port, r.Entry.Here = int32(number), u.Port() == "8000"
	if p, standard := port[u.Port()]; standard {
		r.Port = p
	}
	u.Scheme, u.Host = "", ""
	return r, at
}

func comesTo(table *Table, r *Request, at float64) string {
	listener, route := table.Find(r)
	switch {
	case listener == nil:
		return "no listener"
	case route == nil:
		return "not found"
	}
	a := route.Action
	switch {
	case a.Refused != "":
		return "refused: " + a.Refused
	case !a.Allowed(r):
		return "forbidden"
	case a.SecureRedirect && !r.TLS:
		return "308 " + SecureLocation(r)
	case a.AppRoot != "" && r.URL.Path == "/":
		return "302 " + AppRootLocation(r, a.AppRoot)
	case a.Redirect != nil:
		return strconv.Itoa(a.Redirect.Status) + " " + a.Redirect.Location(r, route.Match.Path)
	}
	backend, timeouts := a.Choose(r, at)
	if backend == nil {
		return "no backend"
	}
	if backend.Refused != "" {
		return strconv.Itoa(backend.Status) + " " + backend.Refused
	}
	said := []string{backend.Upstream, strings.Join(table.Upstreams[backend.Upstream].Endpoints, ",")}
	said = append(said, asked(route, r, backend)...)
	if backend.Protocol != HTTP {
		said = append(said, string(backend.Protocol))
	}
	if proof := backend.TLS; proof != nil {
		said = append(said, fmt.Sprintf("proves %s %v %v by %d authorities", proof.Name, proof.Names, proof.URIs, strings.Count(proof.Roots, "BEGIN")))
	}
	if a.MaxBody != 0 {
		said = append(said, fmt.Sprintf("body<=%d", a.MaxBody))
	}
	if a.Sticky != nil {
		said = append(said, fmt.Sprintf("stays %+v", *a.Sticky))
	}
	if timeouts != (Timeouts{}) {
		said = append(said, fmt.Sprintf("timeouts=%v", timeouts))
	}
	if a.Auth != nil {
		said = append(said, fmt.Sprintf("auth=%q", *a.Auth))
	}
	if a.CORS != nil {
		origin, allowed := a.CORS.Allows(strings.Join(r.Header["Origin"], ""))
		said = append(said, fmt.Sprintf("cors=%q %v %v", origin, allowed, *a.CORS))
	}
	return strings.Join(said, " ")
}

// asked is what the backend is asked for, as far as it differs.
func asked(route *Route, r *Request, backend *Backend) []string {
	var said []string
	for _, f := range []Filters{route.Action.Filters, backend.Filters} {
		if f.Rewrite != nil {
			said = append(said, "asks "+f.Rewrite.URL(r.URL, route.Match.Path).String())
			if f.Rewrite.Host != "" {
				said = append(said, "host "+f.Rewrite.Host)
			}
		}
		if f.Prefix != "" {
			said = append(said, "prefix "+f.Prefix)
		}
		for _, c := range f.Request {
			said = append(said, fmt.Sprintf("request%v", c))
		}
		for _, c := range f.Response {
			said = append(said, fmt.Sprintf("response%v", c))
		}
		for _, m := range f.Mirrors {
			said = append(said, fmt.Sprintf("copy %s %d/%d", m.Backend.Upstream, m.Parts, m.Of))
		}
	}
	return said
}

func said(result Result) string {
	var out strings.Builder
	for _, f := range result.Findings {
		fmt.Fprintf(&out, "%s %s/%s: %s: %s\n", f.Object.Kind, f.Object.Namespace, f.Object.Name, f.Reason, f.Message)
	}
	for _, name := range result.Served {
		fmt.Fprintf(&out, "Ingress %s: has the address\n", name)
	}
	return out.String()
}

func statuses(result Result) string {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(result.Classes)) {
		fmt.Fprintf(&out, "GatewayClass %s:%s\n", name, conditions(result.Classes[name].Conditions))
	}
	for _, name := range slices.SortedFunc(maps.Keys(result.Gateways), CompareNames) {
		status := result.Gateways[name]
		fmt.Fprintf(&out, "Gateway %s:%s", name, conditions(status.Conditions))
		for _, a := range status.Addresses {
			fmt.Fprintf(&out, " at %s", a.Value)
		}
		out.WriteString("\n")
		for _, l := range status.Listeners {
			fmt.Fprintf(&out, "  %s: %d routes of %d kinds%s\n", l.Name, l.AttachedRoutes, len(l.SupportedKinds), conditions(l.Conditions))
		}
		if *status.AttachedListenerSets > 0 {
			fmt.Fprintf(&out, "  and %d ListenerSets\n", *status.AttachedListenerSets)
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(result.ListenerSets), CompareNames) {
		fmt.Fprintf(&out, "ListenerSet %s:%s\n", name, conditions(result.ListenerSets[name].Conditions))
		for _, l := range result.ListenerSets[name].Listeners {
			fmt.Fprintf(&out, "  %s: %d routes of %d kinds%s\n", l.Name, l.AttachedRoutes, len(l.SupportedKinds), conditions(l.Conditions))
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(result.BackendPolicies), CompareNames) {
		for _, ancestor := range result.BackendPolicies[name] {
			fmt.Fprintf(&out, "BackendTLSPolicy %s at %s:%s\n", name, ancestor.AncestorRef.Name, conditions(ancestor.Conditions))
		}
	}
	for _, kind := range []string{httpRouteKind, grpcRouteKind, tlsRouteKind} {
		routes := map[string]map[types.NamespacedName][]gatewayv1.RouteParentStatus{httpRouteKind: result.Routes, grpcRouteKind: result.GRPCRoutes, tlsRouteKind: result.TLSRoutes}[kind]
		for _, name := range slices.SortedFunc(maps.Keys(routes), CompareNames) {
			for _, parent := range routes[name] {
				fmt.Fprintf(&out, "%s %s at %s:%s\n", kind, name, parent.ParentRef.Name, conditions(parent.Conditions))
			}
		}
	}
	return out.String()
}

func conditions(all []metav1.Condition) string {
	text := ""
	for _, c := range all {
		text += " " + c.Type + "=" + string(c.Status)
		if c.Reason != c.Type && (c.Status != metav1.ConditionFalse || c.Reason != "NoConflicts") || c.Message != "" {
			text += "(" + strings.TrimSuffix(c.Reason+": "+c.Message, ": ") + ")"
		}
	}
	return text
}

func listeners(table Table) string {
	var out strings.Builder
	for _, l := range table.Listeners {
		fmt.Fprintf(&out, "%d tls=%v host=%q\n", l.Port, l.TLS, l.Host)
		for _, r := range l.Routes {
			fmt.Fprintf(&out, "  %s host=%q path=%d %s\n", r.Source, r.Host, r.Match.Path.Kind, r.Match.Path.Value)
		}
	}
	for _, s := range table.Streams {
		fmt.Fprintf(&out, "%d stream host=%q\n", s.Port, s.Host)
		for _, r := range s.Routes {
			fmt.Fprintf(&out, "  %s host=%q terminate=%v\n", r.Source, r.Host, r.Terminate)
		}
	}
	for _, c := range table.Certificates {
		fmt.Fprintf(&out, "certificate %d host=%q of %s\n", c.Port, c.Host, c.Secret)
	}
	return out.String()
}
