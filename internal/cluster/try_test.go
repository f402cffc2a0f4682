package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// reviewer allows everything in some places, after it has not known who asks for a time.
type reviewer struct {
	allows  []string
	unknown int
	fails   error
}

func (r *reviewer) Create(_ context.Context, review *authorizationv1.SelfSubjectAccessReview, _ metav1.CreateOptions) (*authorizationv1.SelfSubjectAccessReview, error) {
	if r.unknown > 0 {
		r.unknown--
		return nil, apierrors.NewUnauthorized("Unauthorized")
	}
	asked := review.Spec.ResourceAttributes
	review = review.DeepCopy()
	review.Status.Allowed = asked.Verb+asked.Group+asked.Resource == "***" && slices.Contains(r.allows, asked.Namespace)
	return review, r.fails
}

// What is used of a cluster is asked for, and nothing else; a token is waited for, but not for ever.
func TestCredentialsAreTried(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "selfsubjectaccessreviews"}, "", errors.New("no"))
	two := Cluster{Namespaces: []string{"a", "b"}}
	both := Cluster{Namespaces: []string{"a"}, ClusterResources: true}
	for _, c := range []struct {
		name    string
		cluster Cluster
		as      reviewer
		want    []string
		fails   string
		took    time.Duration
	}{
		{"everywhere", Cluster{}, reviewer{allows: []string{""}}, nil, "", 0},
		{"not everywhere", Cluster{}, reviewer{allows: []string{"a"}}, []string{""}, "", 0},
		{"namespaces", two, reviewer{allows: []string{"a", "b"}}, nil, "", 0},
		{"one of two namespaces", two, reviewer{allows: []string{"a"}}, []string{"b"}, "", 0},
		{"a namespace, and not what has none", both, reviewer{allows: []string{"a"}}, []string{""}, "", 0},
		{"what has none, and not the namespace", both, reviewer{allows: []string{""}}, []string{"a"}, "", 0},
		{"who may not ask is known", Cluster{}, reviewer{fails: forbidden}, nil, "", 0},
		{"a token that is not known yet", Cluster{}, reviewer{allows: []string{""}, unknown: 3}, nil, "", 3 * tokenEvery},
		{"a token that is never known", Cluster{}, reviewer{unknown: 1 << 30}, nil, "Unauthorized", tokenTimeout},
		{"away", Cluster{}, reviewer{fails: errors.New("connection refused")}, nil, "connection refused", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				got, err := c.cluster.Limited(t.Context(), &c.as)
				if !slices.Equal(got, c.want) || c.fails == "" && err != nil || c.fails != "" && fmt.Sprint(err) != c.fails {
					t.Errorf("got %q, %v, want %q, %q", got, err, c.want, c.fails)
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("took %s, want %s", took, c.took)
				}
			})
		})
	}
}

// Who calls a trial off is not told that the token was refused.
func TestTrialIsCalledOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Cluster{}).Limited(ctx, &reviewer{unknown: 1 << 30}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
