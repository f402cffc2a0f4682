package expose

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"sort"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

const loopback = "127.0.0.1"

// Services offers the NodePort and LoadBalancer Services of a cluster, and the ports of hosts that pods ask for, on
// 127.0.0.1: TCP and UDP. Each gets the port that it asks for when it is free on this machine, and another one
// otherwise.
type Services struct {
	client   kubernetes.Interface
	network  Network
	nodeAddr string
	nodeName string

	mu      sync.Mutex
	offered map[key]*offer
}

// Network is the cluster's, as it is reached from this machine.
type Network interface {
	Dial(ctx context.Context, address string) (*net.TCPConn, error)
	DialDatagrams(address string) (*net.UDPConn, error)
}

type key struct {
	owner    owner
	kind     string
	protocol corev1.Protocol
	port     int32
}

// passage is what connections or datagrams take.
type passage interface {
	Aim(target string)
	Close()
}

// owner is whose port it is: a Service's or a pod's.
type owner struct {
	kind string
	name types.NamespacedName
}

type offer struct {
	passage passage
	port    Port
	asked   int
}

// NewServices offers nothing yet; nodeAddress is where NodePorts are in the cluster's network, nodeName the node whose
// pods run.
func NewServices(client kubernetes.Interface, network Network, nodeAddress, nodeName string) *Services {
	return &Services{client: client, network: network, nodeAddr: nodeAddress, nodeName: nodeName, offered: map[key]*offer{}}
}

// Run follows the Services until ctx ends, and then offers nothing more.
func (s *Services) Run(ctx context.Context) error {
	factory := informers.NewSharedInformerFactory(s.client, 0)
	informer := factory.Core().V1().Services().Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { s.changed(ctx, obj.(*corev1.Service)) },
		UpdateFunc: func(_, obj any) { s.changed(ctx, obj.(*corev1.Service)) },
		DeleteFunc: func(obj any) {
			if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = gone.Obj
			}
			if service, ok := obj.(*corev1.Service); ok {
				s.offer(ownerOf(service), nil)
			}
		},
	})
	if err != nil {
		return fmt.Errorf("watching services: %w", err)
	}
	pods, err := s.followPods()
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	pods.Start(ctx.Done())
	<-ctx.Done()
	factory.Shutdown()
	pods.Shutdown()
	s.closeAll()
	return nil
}

// Ports lists what is offered, in a fixed order.
func (s *Services) Ports() []Port {
	s.mu.Lock()
	defer s.mu.Unlock()
	ports := make([]Port, 0, len(s.offered))
	for _, o := range s.offered {
		ports = append(ports, o.port)
	}
	sort.Slice(ports, func(i, j int) bool {
		a, b := ports[i], ports[j]
		if a.Namespace != b.Namespace {
			return a.Namespace < b.Namespace
		}
		if a.Service+a.Pod != b.Service+b.Pod {
			return a.Service+a.Pod < b.Service+b.Pod
		}
		if a.Port != b.Port {
			return a.Port < b.Port
		}
		if a.Type != b.Type {
			return a.Type < b.Type
		}
		return a.Protocol < b.Protocol
	})
	return ports
}

func ownerOf(service *corev1.Service) owner {
	return owner{"Service", types.NamespacedName{Namespace: service.Namespace, Name: service.Name}}
}

func (s *Services) changed(ctx context.Context, service *corev1.Service) {
	s.offer(ownerOf(service), s.wanted(service))
	if service.Spec.Type == corev1.ServiceTypeLoadBalancer && service.Spec.LoadBalancerClass == nil {
		if err := s.tellAddress(ctx, service); err != nil && ctx.Err() == nil {
			slog.Warn("load balancer's address could not be written", "service", ownerOf(service).name.String(), "cause", err.Error())
		}
	}
}

// want is a port to offer: where its connections go, and which port of this machine it would like.
type want struct {
	port   Port
	target string
	asks   int
}

func (s *Services) wanted(service *corev1.Service) map[key]want {
	wants := map[key]want{}
	kind := service.Spec.Type
	if kind != corev1.ServiceTypeNodePort && kind != corev1.ServiceTypeLoadBalancer {
		return wants
	}
	for _, p := range service.Spec.Ports {
		protocol, offered := Offered(p.Protocol)
		if !offered {
			continue
		}
		described := Port{Namespace: service.Namespace, Service: service.Name, Port: p.Port, Protocol: string(protocol), NodePort: p.NodePort}
		if p.NodePort != 0 {
			described.Type = string(corev1.ServiceTypeNodePort)
			wants[key{ownerOf(service), described.Type, protocol, p.Port}] = want{described, hostPort(s.nodeAddr, p.NodePort), int(p.NodePort)}
		}
		if kind == corev1.ServiceTypeLoadBalancer && service.Spec.LoadBalancerClass == nil {
			described.Type = string(corev1.ServiceTypeLoadBalancer)
			wants[key{ownerOf(service), described.Type, protocol, p.Port}] = want{described, hostPort(service.Spec.ClusterIP, p.Port), int(p.Port)}
		}
	}
	return wants
}

// Offered returns the protocol of a port, and whether ports of that protocol are offered on this machine.
func Offered(protocol corev1.Protocol) (named corev1.Protocol, is bool) {
	if protocol == "" {
		protocol = corev1.ProtocolTCP
	}
	return protocol, protocol == corev1.ProtocolTCP || protocol == corev1.ProtocolUDP
}

func hostPort(host string, port int32) string { return net.JoinHostPort(host, strconv.Itoa(int(port))) }

// offer makes what is offered for a Service or a pod what is wanted.
func (s *Services) offer(of owner, wants map[key]want) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, o := range s.offered {
		if w, stays := wants[k]; k.owner == of && (!stays || w.asks != o.asked) {
			o.passage.Close()
			delete(s.offered, k)
		}
	}
	for k, w := range wants {
		if o := s.offered[k]; o != nil {
			o.passage.Aim(w.target)
			continue
		}
		open := s.connections
		if k.protocol == corev1.ProtocolUDP {
			open = s.datagrams
		}
		passage, address, err := open(w)
		if err != nil {
			slog.Warn("port could not be offered", "kind", of.kind, "name", of.name.String(), "cause", err.Error())
			continue
		}
		w.port.Address = address.String()
		s.offered[k] = &offer{passage: passage, port: w.port, asked: w.asks}
	}
}

func (s *Services) connections(w want) (passage, net.Addr, error) {
	listener, err := net.Listen("tcp4", net.JoinHostPort(loopback, strconv.Itoa(w.asks)))
	if err != nil {
		listener, err = net.Listen("tcp4", net.JoinHostPort(loopback, "0"))
	}
	if err != nil {
		return nil, nil, err
	}
	return Forward(listener, s.network.Dial, w.target), listener.Addr(), nil
}

func (s *Services) datagrams(w want) (passage, net.Addr, error) {
	at := net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: w.asks}
	socket, err := net.ListenUDP("udp4", &at)
	if err != nil {
		at.Port = 0
		socket, err = net.ListenUDP("udp4", &at)
	}
	if err != nil {
		return nil, nil, err
	}
	return ForwardDatagrams(socket, s.network.DialDatagrams, w.target), socket.LocalAddr(), nil
}

// tellAddress writes where a load balancer is. Its mode is Proxy: nodes must not take the address for their own.
func (s *Services) tellAddress(ctx context.Context, service *corev1.Service) error {
	mode := corev1.LoadBalancerIPModeProxy
	ingress := corev1.LoadBalancerIngress{IP: loopback, IPMode: &mode}
	for _, p := range s.Ports() {
		if p.Namespace != service.Namespace || p.Service != service.Name || p.Type != string(corev1.ServiceTypeLoadBalancer) {
			continue
		}
		if _, port, err := net.SplitHostPort(p.Address); err == nil {
			number, _ := strconv.ParseInt(port, 10, 32)
			ingress.Ports = append(ingress.Ports, corev1.PortStatus{Port: int32(number), Protocol: corev1.Protocol(p.Protocol)})
		}
	}
	if len(ingress.Ports) == 0 {
		return nil
	}
	status := corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{ingress}}
	if equality.Semantic.DeepEqual(status, service.Status.LoadBalancer) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"loadBalancer": status}})
	if err != nil {
		return fmt.Errorf("encoding the address: %w", err)
	}
	_, err = s.client.CoreV1().Services(service.Namespace).Patch(ctx, service.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

func (s *Services) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, o := range s.offered {
		o.passage.Close()
		delete(s.offered, k)
	}
}
