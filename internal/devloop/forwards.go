package devloop

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/internal/skaffold"
)

// forwards are the ports that are forwarded. What was begun stays, whatever is deployed later. It serves one goroutine.
type forwards struct {
	*reporter
	scene   *scene
	tunnels *tunnels
	mode    ForwardMode
	// own is set in a namespace of the loop's own, where objects go whatever namespace they name.
	own   bool
	begun map[string]bool
}

// update begins what is to be forwarded and is not yet. A forward ends with ctx.
func (f *forwards) update(ctx context.Context, tasks *tasks, p skaffold.Project) {
	services := f.scene.projects()
	slices.SortFunc(services, func(a, b *corev1.Service) int { return strings.Compare(a.Name, b.Name) })
	for _, wanted := range forwardsOf(p, services, f.mode) {
		key := fmt.Sprint(wanted.Type, "/", wanted.Name, ":", wanted.Port, "@", wanted.LocalPort)
		if f.begun[key] {
			continue
		}
		f.begin(ctx, tasks, wanted)
		f.begun[key] = true
	}
	f.prune()
}

func (f *forwards) begin(ctx context.Context, tasks *tasks, wanted skaffold.Forward) {
	if !f.own && wanted.Namespace != "" && wanted.Namespace != f.scene.namespace {
		f.note(fmt.Sprintf("%s %s is not forwarded: it is in namespace %s, and the loop works in %s", kindOf(wanted), wanted.Name, wanted.Namespace, f.scene.namespace))
		return
	}
	to, err := destinations{f.scene}.destinationOf(ctx, wanted)
	if err != nil {
		f.note("not forwarded: " + err.Error())
		return
	}
	there, err := strconv.Atoi(wanted.Port)
	if err != nil {
		there = f.number(wanted)
	}
	listener, chosen, err := listenFor(wanted.LocalPort, there, wanted.Address)
	if err != nil {
		f.note(fmt.Sprintf("%s is not forwarded: %v", to.name, err))
		return
	}
	text := fmt.Sprintf("%s, port %s", to.name, wanted.Port)
	if chosen != "" {
		text += ": " + chosen
	}
	f.report(Event{Kind: Forwarded, Address: "http://" + listener.Addr().String(), Text: text})
	f.serve(ctx, tasks, listener, to)
}

// serve has a port lead to a destination until ctx ends.
func (f *forwards) serve(ctx context.Context, tasks *tasks, listener net.Listener, to destination) {
	one := newForward(f.scene, f.tunnels, to)
	tasks.Go(func() { one.serve(ctx, tasks.beside(), listener) })
}

// kindOf is what a forward leads to, for a message.
func kindOf(f skaffold.Forward) string {
	if isService(f.Type) {
		return "Service"
	}
	return f.Type
}

// number returns the number of a port that is named.
func (f *forwards) number(wanted skaffold.Forward) int {
	service, err := f.scene.services.Get(wanted.Name)
	if err != nil || !isService(wanted.Type) {
		return 0
	}
	for _, p := range service.Spec.Ports {
		if p.Name == wanted.Port {
			return int(p.Port)
		}
	}
	return 0
}

// prune closes the connections to pods that are gone.
func (f *forwards) prune() {
	keep := map[types.UID]bool{}
	all, _ := f.scene.pods.List(labels.Everything())
	for _, pod := range all {
		keep[pod.UID] = true
	}
	f.tunnels.prune(keep)
}
