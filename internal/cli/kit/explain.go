package kit

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Explain turns an error of the API into a problem with a remedy. doing is a gerund phrase such as "listing
// Applications", or empty.
func (e *Env) Explain(err error, doing string) error {
	if err == nil || errors.Is(err, context.Canceled) || problem.Of(err) != nil {
		return err
	}
	p := e.diagnose(err)
	p.Err = err
	if doing != "" {
		p.Cause = doing + ": " + p.Cause
	}
	return p
}

func (e *Env) diagnose(err error) *problem.Error {
	cluster := "cluster " + e.Kube.ClusterName()
	switch {
	case meta.IsNoMatchError(err) || KindNotServed(err):
		return &problem.Error{Kind: problem.Refused, Cause: cluster + " does not serve " + missingKind(err), Remedy: "run `cyan server` against it, which installs Cyan's kinds"}
	case unreachable(err):
		return &problem.Error{
			Kind: problem.Unreachable, Cause: cluster + " does not answer: " + RootCause(err),
			Remedy: "see whether it runs (`cyan local status` for one of Cyan's own), or choose another by --context",
		}
	case apierrors.IsUnauthorized(err):
		return &problem.Error{Kind: problem.Unreachable, Cause: cluster + " does not accept these credentials", Remedy: "log in to it again, or choose another user by --user or --context"}
	case apierrors.IsForbidden(err):
		return &problem.Error{Kind: problem.Refused, Cause: err.Error(), Remedy: "ask the cluster's administrator for that right, or choose another user by --user or --context"}
	case missingNamespace(err) != "":
		return &problem.Error{
			Kind: problem.Absent, Cause: fmt.Sprintf("%s: namespace %q not found", cluster, missingNamespace(err)),
			Remedy: "start `cyan server`, which makes its namespace, or create it",
		}
	case apierrors.IsNotFound(err):
		return &problem.Error{Kind: problem.Absent, Cause: err.Error()}
	case apierrors.IsConflict(err):
		return &problem.Error{Kind: problem.Refused, Cause: "the object was changed, or created anew, since it was read", Remedy: "look at it, and run the command again"}
	}
	return &problem.Error{Kind: problem.Refused, Cause: err.Error()}
}

// KindNotServed reports whether the server does not know the path of a kind at all.
func KindNotServed(err error) bool {
	return apierrors.IsNotFound(err) && strings.Contains(err.Error(), "the server could not find the requested resource")
}

func missingKind(err error) string {
	var kind *meta.NoKindMatchError
	if errors.As(err, &kind) {
		return fmt.Sprintf("the kind %s (%s)", kind.GroupKind.Kind, kind.GroupKind.Group)
	}
	return "Cyan's kinds (" + v1alpha1.GroupVersion.String() + ")"
}

func unreachable(err error) bool {
	var address *url.Error
	return errors.As(err, &address) || utilnet.IsConnectionRefused(err) || errors.Is(err, context.DeadlineExceeded)
}

// RootCause leaves out the URL of the request, which means nothing to who typed a command.
func RootCause(err error) string {
	var address *url.Error
	if errors.As(err, &address) {
		return address.Err.Error()
	}
	return err.Error()
}

func missingNamespace(err error) string {
	var status apierrors.APIStatus
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) {
		return ""
	}
	details := status.Status().Details
	if details == nil || details.Kind != "namespaces" || details.Group != corev1.GroupName {
		return ""
	}
	return details.Name
}
