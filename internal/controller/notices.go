package controller

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/repository"
	"github.com/cyan-cd/cyan/internal/source"
)

// noticesName is the ConfigMap by which copies that stand by tell the leader which repositories a webhook named.
const noticesName = "cyan-webhook-notices"

// notices have repositories looked at of which a webhook told, whichever copy of the program heard it: the leader looks
// itself, and the others leave it a notice. There is one at most for each repository that an Application names, and it
// is gone once the leader has seen it.
type notices struct {
	kube      kubernetes.Interface
	apps      client.Reader
	namespace string
	// elected is closed once this copy is the leader.
	elected <-chan struct{}
	poll    func(url string)
	log     *slog.Logger
}

func newNotices(mgr manager.Manager, o Options, refPoller *source.RefPoller) (*notices, error) {
	kube, err := kubernetes.NewForConfig(mgr.GetConfig())
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", mgr.GetConfig().Host, err)
	}
	return &notices{kube: kube, apps: mgr.GetClient(), namespace: o.ControlNamespace, elected: mgr.Elected(), poll: refPoller.PollNow, log: o.Log}, nil
}

// hear takes the URLs that a webhook names.
func (n *notices) hear(urls []string) error {
	select {
	case <-n.elected:
		for _, url := range urls {
			n.poll(url)
		}
		return nil
	default:
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	followed, err := n.followed(ctx, urls)
	if err != nil || len(followed) == 0 {
		return err
	}
	return n.leave(ctx, followed)
}

// followed are those of some URLs that Applications name, by a key for each repository.
func (n *notices) followed(ctx context.Context, urls []string) (map[string]string, error) {
	var named []repository.URL
	for _, raw := range urls {
		if u, err := repository.Parse(raw); err == nil {
			named = append(named, u)
		}
	}
	var apps v1alpha1.ApplicationList
	if err := n.apps.List(ctx, &apps); err != nil {
		return nil, fmt.Errorf("listing Applications: %w", err)
	}
	found := map[string]string{}
	for i := range apps.Items {
		for _, src := range apps.Items[i].Spec.GetSources() {
			u, err := repository.Parse(src.RepoURL)
			if err == nil && slices.ContainsFunc(named, u.SamePlace) {
				sum := sha256.Sum256([]byte(u.Host() + u.Path()))
				found[hex.EncodeToString(sum[:12])] = u.String()
			}
		}
	}
	return found, nil
}

// leave writes notices for the leader.
func (n *notices) leave(ctx context.Context, followed map[string]string) error {
	at := time.Now().UTC().Format(time.RFC3339Nano)
	data := map[string]string{}
	for key, url := range followed {
		data[key] = at + " " + url
	}
	patch, err := json.Marshal(map[string]any{"data": data})
	if err != nil {
		return err
	}
	maps := n.kube.CoreV1().ConfigMaps(n.namespace)
	_, err = maps.Patch(ctx, noticesName, types.MergePatchType, patch, metav1.PatchOptions{})
	if apierrors.IsNotFound(err) {
		fresh := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: n.namespace, Name: noticesName}, Data: data}
		if _, err = maps.Create(ctx, fresh, metav1.CreateOptions{}); apierrors.IsAlreadyExists(err) {
			_, err = maps.Patch(ctx, noticesName, types.MergePatchType, patch, metav1.PatchOptions{})
		}
	}
	if err != nil {
		return fmt.Errorf("leaving the leader a notice of a webhook in ConfigMap %s: %w", noticesName, err)
	}
	return nil
}

// Start looks at what other copies leave, until ctx ends. It runs on the leader.
func (n *notices) Start(ctx context.Context) error {
	factory := informers.NewSharedInformerFactoryWithOptions(n.kube, 0, informers.WithNamespace(n.namespace),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.FieldSelector = "metadata.name=" + noticesName }))
	_, err := factory.Core().V1().ConfigMaps().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) { n.take(ctx, o) }, UpdateFunc: func(_, o any) { n.take(ctx, o) },
	})
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
	factory.Shutdown()
	return nil
}

// NeedLeaderElection reports that only the leader looks.
func (n *notices) NeedLeaderElection() bool { return true }

// take has repositories looked at, and removes their notices. One that was left meanwhile stays, and is heard next.
func (n *notices) take(ctx context.Context, o any) {
	left, ok := o.(*corev1.ConfigMap)
	if !ok || len(left.Data) == 0 {
		return
	}
	for _, notice := range left.Data {
		if _, url, ok := strings.Cut(notice, " "); ok {
			n.poll(url)
		}
	}
	done := left.DeepCopy()
	done.Data = nil
	_, err := n.kube.CoreV1().ConfigMaps(n.namespace).Update(ctx, done, metav1.UpdateOptions{})
	if err != nil && !apierrors.IsConflict(err) && ctx.Err() == nil {
		n.log.Warn("notices of webhooks cannot be removed", "configmap", noticesName, "err", err)
	}
}
