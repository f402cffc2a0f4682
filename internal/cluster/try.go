package cluster

import (
	"context"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
)

// Reviewer asks an API server about the rights of who asks.
type Reviewer interface {
	Create(context.Context, *authorizationv1.SelfSubjectAccessReview, metav1.CreateOptions) (*authorizationv1.SelfSubjectAccessReview, error)
}

// NewReviewer returns the Reviewer of a cluster. It gives up where an API server does not answer for some time.
func NewReviewer(config *rest.Config) (Reviewer, error) {
	config = rest.CopyConfig(config)
	config.Timeout = tokenTimeout / 3
	c, err := authorizationclient.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return c.SelfSubjectAccessReviews(), nil
}

// Limited returns where the credentials of a cluster that is to be registered do not allow everything, of all that is
// used of it: namespaces, and "" for objects of all of them and of none. It is an error where the cluster does not
// answer, or accept the credentials. A token that was made just now is tried until the API server knows it.
func (c Cluster) Limited(ctx context.Context, as Reviewer) ([]string, error) {
	places := c.Namespaces
	if c.Uses("") {
		places = append([]string{""}, places...)
	}
	var limited []string
	for _, namespace := range places {
		allowed, err := mayDoEverything(ctx, as, namespace)
		if err != nil {
			return nil, err
		}
		if !allowed {
			limited = append(limited, namespace)
		}
	}
	return limited, nil
}

// mayDoEverything reports whether all verbs on all kinds are allowed. A cluster that keeps its users from asking has
// accepted them, and is taken to allow it.
func mayDoEverything(ctx context.Context, as Reviewer, namespace string) (bool, error) {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: "*", Group: "*", Resource: "*"},
	}}
	allowed := true
	err := untilAccepted(ctx, func(ctx context.Context) error {
		answer, err := as.Create(ctx, review, metav1.CreateOptions{})
		if err == nil {
			allowed = answer.Status.Allowed
		}
		if apierrors.IsForbidden(err) {
			return nil
		}
		return err
	})
	return allowed, err
}

// untilAccepted makes a request with a token that was just made. An API server looks Secrets up in a cache of its own:
// until that has the token's, it accepts the token as little as a wrong one.
func untilAccepted(ctx context.Context, request func(context.Context) error) error {
	var refused error
	err := wait.PollUntilContextTimeout(ctx, tokenEvery, tokenTimeout, true, func(ctx context.Context) (bool, error) {
		err := request(ctx)
		if apierrors.IsUnauthorized(err) {
			refused = err
			return false, nil
		}
		return err == nil, err
	})
	if wait.Interrupted(err) && refused != nil && ctx.Err() == nil {
		return refused
	}
	return err
}
