package simnodes

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"

	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

const (
	// Label marks nodes that are simulated.
	Label = "cyan.dev/simulated"
	// Leases last as long as a kubelet's.
	leaseSeconds = 40
	renewEvery   = 10 * time.Second
)

var everything = labels.Everything()

// register makes the nodes, and removes those that an earlier run had more.
func (s *simulator) register(ctx context.Context) error {
	for name, address := range s.nodes {
		if err := s.registerOne(ctx, name, address); err != nil {
			return fmt.Errorf("registering node %s: %w", name, err)
		}
	}
	return RemoveBut(ctx, s.client, s.nodes)
}

// RemoveBut removes the simulated nodes that are not among those of a map.
func RemoveBut(ctx context.Context, client kubernetes.Interface, kept map[string]string) error {
	known, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: Label + "=true"})
	if err != nil {
		return fmt.Errorf("listing nodes: %w", err)
	}
	for _, node := range known.Items {
		if kept[node.Name] != "" {
			continue
		}
		if err := client.CoreV1().Nodes().Delete(ctx, node.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("removing node %s: %w", node.Name, err)
		}
	}
	return nil
}

func (s *simulator) registerOne(ctx context.Context, name, address string) error {
	// Alive first: a node without a fresh lease is taken for lost.
	if err := s.renew(ctx, name); err != nil {
		return err
	}
	nodes := s.client.CoreV1().Nodes()
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			Label: "true", corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: runtime.GOARCH,
		}},
		Spec: corev1.NodeSpec{Taints: s.taints},
	}
	if _, err := nodes.Create(ctx, node, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		current, err := nodes.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		current.Status = nodeStatus(name, address)
		_, err = nodes.UpdateStatus(ctx, current, metav1.UpdateOptions{})
		return err
	})
}

func nodeStatus(name, address string) corev1.NodeStatus {
	now := metav1.Now()
	room := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("64"), corev1.ResourceMemory: resource.MustParse("256Gi"),
		corev1.ResourceEphemeralStorage: resource.MustParse("1Ti"), corev1.ResourcePods: resource.MustParse("500"),
	}
	status := corev1.NodeStatus{
		Capacity: room, Allocatable: room,
		Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: address}, {Type: corev1.NodeHostName, Address: name}},
		NodeInfo: corev1.NodeSystemInfo{
			KubeletVersion: state.Kubernetes, OperatingSystem: "linux", Architecture: runtime.GOARCH, OSImage: "simulated",
			ContainerRuntimeVersion: "simulated://1", KernelVersion: "simulated",
		},
	}
	add := func(kind corev1.NodeConditionType, holds corev1.ConditionStatus, message string) {
		status.Conditions = append(status.Conditions, corev1.NodeCondition{
			Type: kind, Status: holds, Reason: "Simulated", Message: message, LastHeartbeatTime: now, LastTransitionTime: now,
		})
	}
	add(corev1.NodeMemoryPressure, corev1.ConditionFalse, "")
	add(corev1.NodeDiskPressure, corev1.ConditionFalse, "")
	add(corev1.NodePIDPressure, corev1.ConditionFalse, "")
	add(corev1.NodeReady, corev1.ConditionTrue, "simulated node: runs nothing")
	return status
}

func (s *simulator) keepAlive(ctx context.Context) {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for name := range s.nodes {
			if err := s.renew(ctx, name); err != nil && ctx.Err() == nil {
				slog.Warn("lease could not be renewed", "node", name, "cause", err.Error())
			}
		}
	}
}

func (s *simulator) renew(ctx context.Context, name string) error {
	leases := s.client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	now := metav1.NowMicro()
	seconds := int32(leaseSeconds)
	spec := coordinationv1.LeaseSpec{HolderIdentity: &name, LeaseDurationSeconds: &seconds, RenewTime: &now}
	lease, err := leases.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = leases.Create(ctx, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	lease.Spec = spec
	_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
	return err
}

func nodeAddress(i int) string {
	return netip.AddrFrom4([4]byte{172, 30, byte(i / 250), byte(i%250 + 1)}).String()
}

// addresses hands out pod addresses, each to one pod at a time.
type addresses struct {
	last  uint32
	byPod map[types.UID]string
	used  map[string]bool
}

// The pods' addresses are 10.128.0.0/10.
const firstPod, podCount = uint32(10<<24 | 128<<16), uint32(1 << 22)

func (a *addresses) of(uid types.UID) string {
	if ip := a.byPod[uid]; ip != "" {
		return ip
	}
	for {
		a.last = a.last%(podCount-2) + 1
		n := firstPod + a.last
		ip := netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String()
		if !a.used[ip] {
			a.take(uid, ip)
			return ip
		}
	}
}

func (a *addresses) take(uid types.UID, ip string) {
	if ip == "" {
		return
	}
	if a.byPod == nil {
		a.byPod, a.used = map[types.UID]string{}, map[string]bool{}
	}
	a.byPod[uid], a.used[ip] = ip, true
}

func (a *addresses) free(uid types.UID) {
	delete(a.used, a.byPod[uid])
	delete(a.byPod, uid)
}
