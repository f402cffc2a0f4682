package cluster

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/problem"
)

// ManagerAccount and ManagerNamespace are those of the service account that existing installations reach clusters by.
const (
	ManagerAccount   = "argocd-manager"
	ManagerNamespace = "kube-system"
)

const (
	// tokenTimeout is how long a cluster may take to make a token, and to accept it.
	tokenTimeout = 30 * time.Second
	// tokenEvery is the time between two looks at whether it is accepted.
	tokenEvery = 100 * time.Millisecond
)

// Rotation has a registered cluster reached by a new token of a service account, and the old one forgotten.
type Rotation struct {
	// Control writes Secret, by which the cluster is registered.
	Control client.Client
	Secret  *corev1.Secret
	// Config is how the cluster is reached, by the old token.
	Config *rest.Config
	// Account is the service account whose token it is. Its zero fields are those that the old token names, or else
	// those of existing installations.
	Account types.NamespacedName
	// Connect reaches a cluster.
	Connect func(*rest.Config) (client.WithWatch, error)
}

// Rotated is what became of a Rotation.
type Rotated struct {
	Account types.NamespacedName
	// Left is set when the old token was in no Secret of the account's namespace: it may still work.
	Left bool
}

// Run makes a second token with the first, finds out whether it works, keeps it, and then takes the first one's Secret
// away, so that at any time one of both works.
func (r Rotation) Run(ctx context.Context) (Rotated, error) {
	connection, err := parseConnection(r.Secret.Data["config"])
	if err != nil || connection.BearerToken == "" {
		return Rotated{}, &problem.Error{
			Kind: problem.Refused, Object: fmt.Sprintf("cluster %q", r.Secret.Data["name"]), Cause: "reached without a token of a service account", Remedy: "register it anew with one",
		}
	}
	old := connection.BearerToken
	done := Rotated{Account: accountOf(old, r.Account)}
	first, err := r.Connect(r.Config)
	if err != nil {
		return done, fmt.Errorf("connecting to the cluster: %w", err)
	}
	fresh, token, err := newToken(ctx, first, done.Account)
	if err != nil {
		return done, err
	}
	config := rest.CopyConfig(r.Config)
	config.BearerToken = token
	second, before, err := r.find(ctx, config, done.Account.Namespace, old)
	if err == nil {
		err = r.keep(ctx, token)
	}
	if err != nil {
		return done, errors.Join(err, discard(ctx, first, fresh))
	}
	if done.Left = before == nil; done.Left {
		return done, nil
	}
	if err := client.IgnoreNotFound(second.Delete(ctx, before)); err != nil {
		return done, fmt.Errorf("deleting the old token, Secret %s/%s: %w", before.Namespace, before.Name, err)
	}
	return done, nil
}

// accountOf returns the service account that a token names, unless another is asked for.
func accountOf(token string, asked types.NamespacedName) types.NamespacedName {
	account := types.NamespacedName{Namespace: ManagerNamespace, Name: ManagerAccount}
	if parts := strings.Split(token, "."); len(parts) == 3 {
		var claims struct {
			Subject string `json:"sub"`
		}
		data, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err == nil && json.Unmarshal(data, &claims) == nil {
			if rest, ok := strings.CutPrefix(claims.Subject, "system:serviceaccount:"); ok {
				if namespace, name, ok := strings.Cut(rest, ":"); ok {
					account = types.NamespacedName{Namespace: namespace, Name: name}
				}
			}
		}
	}
	if asked.Namespace != "" {
		account.Namespace = asked.Namespace
	}
	if asked.Name != "" {
		account.Name = asked.Name
	}
	return account
}

// newToken has a cluster make a token of a service account, in a Secret of its own.
func newToken(ctx context.Context, remote client.WithWatch, account types.NamespacedName) (*corev1.Secret, string, error) {
	fresh := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: account.Name + "-token-", Namespace: account.Namespace,
			Annotations: map[string]string{corev1.ServiceAccountNameKey: account.Name},
		},
		Type: corev1.SecretTypeServiceAccountToken,
	}
	if err := remote.Create(ctx, fresh); err != nil {
		return nil, "", fmt.Errorf("making a token of service account %s: %w", account, err)
	}
	token, err := AwaitToken(ctx, remote, fresh)
	if err != nil {
		return nil, "", errors.Join(err, discard(ctx, remote, fresh))
	}
	return fresh, token, nil
}

// discard takes away a Secret that was made and is of no use, also when what it was made for has been called off.
func discard(ctx context.Context, remote client.Client, secret *corev1.Secret) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tokenTimeout)
	defer cancel()
	if err := client.IgnoreNotFound(remote.Delete(ctx, secret)); err != nil {
		return fmt.Errorf("deleting Secret %s/%s, which is of no use: %w", secret.Namespace, secret.Name, err)
	}
	return nil
}

// find connects by a new token, and returns the Secret of the old one; nil where there is none.
func (r Rotation) find(ctx context.Context, config *rest.Config, namespace, old string) (client.WithWatch, *corev1.Secret, error) {
	remote, err := r.Connect(config)
	if err != nil {
		return nil, nil, fmt.Errorf("connecting to the cluster with its new token: %w", err)
	}
	all, err := firstSecrets(ctx, remote, namespace)
	if err != nil {
		return nil, nil, fmt.Errorf("looking for the old token with the new one: %w", err)
	}
	for i := range all.Items {
		s := &all.Items[i]
		if s.Type == corev1.SecretTypeServiceAccountToken && string(s.Data[corev1.ServiceAccountTokenKey]) == old {
			return remote, s, nil
		}
	}
	return remote, nil, nil
}

// firstSecrets lists Secrets by a token that was just made.
func firstSecrets(ctx context.Context, remote client.Reader, namespace string) (*corev1.SecretList, error) {
	all := &corev1.SecretList{}
	err := untilAccepted(ctx, func(ctx context.Context) error { return remote.List(ctx, all, client.InNamespace(namespace)) })
	return all, err
}

// keep writes a token into the Secret of the cluster, with all other fields as they are.
func (r Rotation) keep(ctx context.Context, token string) error {
	config := map[string]any{}
	if err := json.Unmarshal(r.Secret.Data["config"], &config); err != nil {
		return err
	}
	config["bearerToken"] = token
	data, err := json.Marshal(config)
	if err != nil {
		return err
	}
	after := r.Secret.DeepCopy()
	after.Data["config"] = data
	if err := r.Control.Patch(ctx, after, client.MergeFromWithOptions(r.Secret, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("writing Secret %s: %w", r.Secret.Name, err)
	}
	return nil
}

// AwaitToken waits until a cluster has put a token into a Secret.
func AwaitToken(ctx context.Context, c client.WithWatch, secret *corev1.Secret) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	w, err := c.Watch(ctx, &corev1.SecretList{}, &client.ListOptions{Namespace: secret.Namespace, FieldSelector: fields.OneTermEqualSelector("metadata.name", secret.Name)})
	if err != nil {
		return "", fmt.Errorf("waiting for a token: %w", err)
	}
	var token string
	_, err = watchtools.UntilWithoutRetry(ctx, w, func(event watch.Event) (bool, error) {
		if event.Type == watch.Error {
			return false, apierrors.FromObject(event.Object)
		}
		if seen, ok := event.Object.(*corev1.Secret); ok {
			token = string(seen.Data[corev1.ServiceAccountTokenKey])
		}
		return token != "", nil
	})
	switch {
	case err == nil:
		return token, nil
	case !errors.Is(err, watchtools.ErrWatchClosed) && !wait.Interrupted(err):
		return "", fmt.Errorf("waiting for a token: %w", err)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return "", ctx.Err()
	}
	return "", &problem.Error{
		Kind: problem.Refused, Object: fmt.Sprintf("Secret %s/%s", secret.Namespace, secret.Name),
		Cause: fmt.Sprintf("the cluster made no token in %s", tokenTimeout), Remedy: "see whether its controller manager runs, then try again",
	}
}
