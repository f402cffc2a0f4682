// Package doctor looks at an installation, for package decide to judge: the program git, the cluster and what it lets
// the server do, the objects of the kinds that are served, and the controllers beside it.
package doctor

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/doctor/decide"
	"github.com/cyan-cd/cyan/internal/settings"
)

// Git returns whether the program git is there.
func Git(ctx context.Context) decide.Result {
	out, err := exec.CommandContext(ctx, "git", "--version").Output()
	if err != nil {
		return decide.Result{Check: "git", Status: decide.Fail, Message: "program git: " + err.Error(), Remedy: "install git where the server runs"}
	}
	return decide.Good("git", strings.TrimSpace(string(out)))
}

// HasProgram reports whether a program is on this machine.
func HasProgram(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// Server asks an API server for its version, and compares its clock with this machine's.
func Server(ctx context.Context, config *rest.Config, timeout time.Duration) (version string, skew time.Duration, err error) {
	var date string
	config = rest.CopyConfig(config)
	config.Timeout = timeout
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			answer, err := next.RoundTrip(r.WithContext(ctx))
			if err == nil {
				date = answer.Header.Get("Date")
			}
			return answer, err
		})
	})
	d, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return "", 0, err
	}
	asked := time.Now()
	info, err := d.ServerVersion()
	if err != nil {
		return "", 0, err
	}
	if at, err := http.ParseTime(date); err == nil {
		// The header has whole seconds; the answer was made between asking and now.
		if skew = at.Sub(asked); skew < 0 && skew > -time.Since(asked)-time.Second {
			skew = 0
		}
	}
	return info.GitVersion, skew, nil
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip carries a request out.
func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

// Denied returns what of the rights that the server needs a client's user has not.
func Denied(ctx context.Context, c client.Client) ([]string, error) {
	var denied []string
	for _, n := range decide.Needed {
		for _, verb := range n.Verbs {
			review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
				ResourceAttributes: &authorizationv1.ResourceAttributes{Group: n.Group, Resource: n.Resource, Subresource: n.Subresource, Verb: verb},
			}}
			if err := c.Create(ctx, review); err != nil {
				return nil, err
			}
			if !review.Status.Allowed {
				denied = append(denied, n.Named(verb))
			}
		}
	}
	return denied, nil
}

// PublishedKeys returns the names that public keys have where they are kept.
func PublishedKeys(ctx context.Context, c client.Reader, namespace string) ([]string, error) {
	gpg, ssh := &corev1.ConfigMap{}, &corev1.ConfigMap{}
	for name, into := range map[string]*corev1.ConfigMap{settings.GPGKeysName: gpg, settings.SSHSignersName: ssh} {
		if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, into); client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("reading ConfigMap %s: %w", name, err)
		}
	}
	ids := slices.Sorted(maps.Keys(gpg.Data))
	signers, _ := settings.ParseSSHSigners(ssh.Data[settings.SSHSignersKey])
	for _, s := range signers {
		ids = append(ids, s.KeyID)
	}
	return ids, nil
}

// atOnce bounds how many are asked at a time.
const atOnce = 8

// Ask calls do for each name, several at a time, and returns what failed.
func Ask(names []string, do func(string) error) map[string]error {
	failures := map[string]error{}
	var mu sync.Mutex
	var all sync.WaitGroup
	turn := make(chan struct{}, atOnce)
	for _, name := range names {
		turn <- struct{}{}
		all.Go(func() {
			defer func() { <-turn }()
			if err := do(name); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failures[name] = err
			}
		})
	}
	all.Wait()
	return failures
}
