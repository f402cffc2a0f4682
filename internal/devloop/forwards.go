package devloop

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

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
	begun   map[string]bool
}

// update begins what is to be forwarded and is not yet. A forward ends with ctx.
func (f *forwards) update(ctx context.Context, tasks *sync.WaitGroup, p skaffold.Project) {
	services := f.scene.projects()
	slices.SortFunc(services, func(a, b *corev1.Service) int { return strings.Compare(a.Name, b.Name) })
	for _, wanted := range forwardsOf(p, services, f.mode) {
		key := fmt.Sprint(wanted.Type, "/", wanted.Name, ":", wanted.Port, "@", wanted.LocalPort)
		if f.begun[key] {
			continue
		}
		if kind := strings.ToLower(wanted.Type); kind != "service" && kind != "svc" && kind != "" {
			f.note(fmt.Sprintf("%s %s is not forwarded: only Services are; name the Service in front of it", wanted.Type, wanted.Name))
			continue
		}
		f.begin(ctx, tasks, wanted)
		f.begun[key] = true
	}
	f.prune()
}

func (f *forwards) begin(ctx context.Context, tasks *sync.WaitGroup, wanted skaffold.Forward) {
	there, err := strconv.Atoi(wanted.Port)
	if err != nil {
		there = f.number(wanted)
	}
	listener, chosen, err := listenFor(wanted.LocalPort, there, wanted.Address)
	if err != nil {
		f.note(fmt.Sprintf("Service %s is not forwarded: %v", wanted.Name, err))
		return
	}
	text := fmt.Sprintf("Service %s, port %s", wanted.Name, wanted.Port)
	if chosen != "" {
		text += ": " + chosen
	}
	f.report(Event{Kind: Forwarded, Address: "http://" + listener.Addr().String(), Text: text})
	to := newForward(f.scene, f.tunnels, wanted.Name, wanted.Port)
	tasks.Go(func() { to.serve(ctx, listener) })
}

// number returns the number of a port that is named.
func (f *forwards) number(wanted skaffold.Forward) int {
	service, err := f.scene.services.Get(wanted.Name)
	if err != nil {
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
