package main

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// crowd is the namespace of objects that no Application has, and crowdBytes the size of each.
const (
	crowd      = "crowd"
	crowdBytes = 1 << 10
	// crowdGrowth is the memory that they may cost altogether: none of them is held.
	crowdGrowth = 5 << 20
)

// held is what a server that has just compared everything holds.
type held struct{ rss, heap int64 }

// otherObjects measures the memory of the server in a cluster with many objects that it has nothing to do with, of the
// kinds that it watches: ConfigMaps, Secrets, and Deployments with their ReplicaSets.
func otherObjects(ctx context.Context, w *world) error {
	without, err := heldAfterStart(ctx, w)
	if err != nil {
		return err
	}
	if err := w.stop(); err != nil {
		return err
	}
	if err := makeCrowd(ctx, w); err != nil {
		return err
	}
	with, err := heldAfterStart(ctx, w)
	if err != nil {
		return err
	}
	w.sheet.add(figure{what: fmt.Sprintf("with %d other objects: resident memory", w.others), measured: []amount{memory(with.rss)}, limit: megabytes(without.rss) + ", without them"})
	w.sheet.add(figure{what: fmt.Sprintf("with %d other objects: memory in use grows by", w.others), measured: []amount{memory(max(0, with.heap-without.heap))},
		limit: megabytes(without.heap) + " in use without", targets: []amount{memory(crowdGrowth)}})
	return w.cluster.client.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: crowd}})
}

// heldAfterStart starts the server anew and returns what it holds when it has settled.
func heldAfterStart(ctx context.Context, w *world) (held, error) {
	if err := w.restart(ctx); err != nil {
		return held{}, err
	}
	used, err := w.settle(ctx)
	if err != nil {
		return held{}, err
	}
	heap, err := w.server.heap(ctx)
	return held{used.rss, heap}, err
}

// makeCrowd makes the other objects: of ten, five ConfigMaps, three Secrets, and a Deployment, which makes a
// ReplicaSet.
func makeCrowd(ctx context.Context, w *world) error {
	if err := w.cluster.namespace(ctx, crowd); err != nil {
		return err
	}
	made := w.others / 10 * 9
	return each(ctx, made, func(ctx context.Context, i int) error {
		o, err := crowdObject(i)
		if err != nil {
			return err
		}
		return client.IgnoreAlreadyExists(w.cluster.client.Create(ctx, o))
	})
}

func crowdObject(i int) (client.Object, error) {
	meta := metav1.ObjectMeta{Namespace: crowd, Name: fmt.Sprintf("other-%05d", i)}
	content := strings.Repeat("x", crowdBytes)
	switch {
	case i%9 < 5:
		return &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"content": content}}, nil
	case i%9 < 8:
		return &corev1.Secret{ObjectMeta: meta, StringData: map[string]string{"content": content}}, nil
	}
	o, err := object(meta.Name, deployment)
	o.SetNamespace(crowd)
	return o, err
}
