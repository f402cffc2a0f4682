package routing

import (
	"fmt"
	"net"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
)

// servicePort names a port of a Service, by number or by name.
type servicePort struct {
	service types.NamespacedName
	number  int32
	name    string
}

func (p servicePort) String() string {
	if p.name != "" {
		return "Service " + p.service.String() + ", port " + p.name
	}
	return "Service " + p.service.String() + ", port " + strconv.Itoa(int(p.number))
}

// backend returns the backend of a Service's port, and why there is none.
func (b *builder) backend(p servicePort) (Backend, error) {
	service := b.services[p.service]
	if service == nil {
		return Backend{}, fmt.Errorf("Service %s: not found", p.service)
	}
	if service.Spec.Type == corev1.ServiceTypeExternalName {
		return Backend{}, fmt.Errorf("Service %s: type ExternalName is not served", p.service)
	}
	port := portOf(service, p)
	if port == nil {
		return Backend{}, fmt.Errorf("%s: not found", p)
	}
	key := p.service.String() + ":" + strconv.Itoa(int(port.Port))
	if _, known := b.result.Table.Upstreams[key]; !known {
		b.result.Table.Upstreams[key] = Upstream{Service: p.service, Endpoints: endpoints(b.slices[p.service], port.Name)}
	}
	return Backend{Upstream: key, Weight: 1, Protocol: protocolOf(port)}, nil
}

func portOf(service *corev1.Service, p servicePort) *corev1.ServicePort {
	for i := range service.Spec.Ports {
		port := &service.Spec.Ports[i]
		if p.name != "" && port.Name == p.name || p.name == "" && port.Port == p.number {
			return port
		}
	}
	return nil
}

// protocolOf returns what a port speaks, by its appProtocol.
func protocolOf(port *corev1.ServicePort) Protocol {
	if port.AppProtocol == nil {
		return HTTP
	}
	switch *port.AppProtocol {
	case "kubernetes.io/h2c", "grpc":
		return H2C
	case "https", "kubernetes.io/wss":
		return HTTPS
	}
	return HTTP
}

// endpoints are the addresses of the endpoints that are ready; when there are none, of those that end but still serve.
func endpoints(of []*discoveryv1.EndpointSlice, port string) []string {
	var ready, ending []string
	for _, slice := range of {
		number := slicePort(slice, port)
		if number == 0 || slice.AddressType == discoveryv1.AddressTypeFQDN {
			continue
		}
		for _, e := range slice.Endpoints {
			for _, address := range e.Addresses {
				at := net.JoinHostPort(address, strconv.Itoa(int(number)))
				switch c := e.Conditions; {
				case c.Ready == nil || *c.Ready:
					ready = append(ready, at)
				case c.Serving != nil && *c.Serving && c.Terminating != nil && *c.Terminating:
					ending = append(ending, at)
				}
			}
		}
	}
	if len(ready) == 0 {
		ready = ending
	}
	slices.Sort(ready)
	return slices.Compact(ready)
}

func slicePort(slice *discoveryv1.EndpointSlice, name string) int32 {
	for _, p := range slice.Ports {
		if (p.Name == nil && name == "" || p.Name != nil && *p.Name == name) && p.Port != nil {
			return *p.Port
		}
	}
	return 0
}

// refused is a backend that can't be reached.
func refused(err error, status int) Backend {
	return Backend{Weight: 1, Refused: err.Error(), Status: status}
}

// The codes with which requests are refused: of an Ingress whose Service is missing, of an HTTPRoute without a valid
// one.
const statusUnavailable, statusInvalid = 503, 500
