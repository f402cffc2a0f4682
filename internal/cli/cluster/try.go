package cluster

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/problem"
)

// try opens the cluster as the Secret has it, before that is kept. Where the controllers are to reach it by another way
// than the kubeconfig's, the token has to be accepted by the kubeconfig's, and by the other if that answers here.
func (o *clusterAdd) try(ctx context.Context, secret *corev1.Secret, target *rest.Config) error {
	var programs cluster.Programs
	if o.exec.command != "" {
		programs.Allowed = []string{o.exec.command}
	}
	stored, err := cluster.FromSecret(secret, programs)
	if err != nil {
		// The Secret is not there yet.
		cause := strings.TrimPrefix(err.Error(), fmt.Sprintf("Secret %s/%s: ", secret.Namespace, secret.Name))
		return &problem.Error{Kind: problem.Usage, Object: fmt.Sprintf("cluster %q", o.name), Cause: cause, Err: err}
	}
	if o.exec.command != "" {
		o.Note("note: cluster %q: not tried, since `cyan server` alone runs the program %s", o.name, o.exec.command)
		return nil
	}
	known := stored
	known.Config = rest.AnonymousClientConfig(target)
	known.Config.BearerToken = stored.Config.BearerToken
	limited, err := o.limited(ctx, known)
	if err != nil {
		return o.failed(err, target.Host, fmt.Sprintf("delete Secret %s-long-lived-token there, then add the cluster again", o.account()))
	}
	if err := o.tryOtherWay(ctx, stored, target); err != nil {
		return err
	}
	for _, namespace := range limited {
		where := "all namespaces"
		if namespace != "" {
			where = "namespace " + namespace
		}
		o.Note("note: cluster %q: service account %s may not do everything in %s; bind a role to it that has what is deployed there", o.name, o.account(), where)
	}
	return nil
}

// tryOtherWay opens the cluster by the way of the controllers, where that is not the kubeconfig's.
func (o *clusterAdd) tryOtherWay(ctx context.Context, stored cluster.Cluster, target *rest.Config) error {
	same := stored.Server == strings.TrimRight(target.Host, "/") && o.proxy == "" && target.Proxy == nil
	if same || stored.Server == v1alpha1.InClusterServer {
		return nil
	}
	_, err := o.limited(ctx, stored)
	var certificate *tls.CertificateVerificationError
	var answer apierrors.APIStatus
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &certificate) || errors.As(err, &answer):
		return o.failed(err, stored.Server, "give a --cluster-endpoint of the cluster that "+target.Host+" is of")
	}
	o.Note("note: cluster %q: %s does not answer here: %s; it has to where `cyan server` runs", o.name, stored.Server, kit.RootCause(err))
	return nil
}

// failed makes the problem of a cluster that was not opened; other is the remedy where it knows no such token.
func (o *clusterAdd) failed(err error, server, other string) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	p := &problem.Error{Kind: problem.Unreachable, Object: fmt.Sprintf("cluster %q", o.name), Err: err}
	var certificate *tls.CertificateVerificationError
	switch {
	case apierrors.IsUnauthorized(err):
		p.Kind, p.Cause, p.Remedy = problem.Refused, fmt.Sprintf("%s does not accept the token of service account %s", server, o.account()), other
	case errors.As(err, &certificate):
		p.Kind, p.Cause = problem.Refused, fmt.Sprintf("%s: %v", server, certificate.Err)
		p.Remedy = "give a --cluster-endpoint that its certificate names, and certificate-authority-data in the kubeconfig that has signed it"
	default:
		p.Cause, p.Remedy = fmt.Sprintf("trying its token at %s: %s", server, kit.RootCause(err)), "see whether it runs, then add it again"
	}
	return p
}

// account is the service account whose token it is.
func (o *clusterAdd) account() types.NamespacedName {
	return types.NamespacedName{Namespace: o.systemNamespace, Name: cmp.Or(o.serviceAccount, cluster.ManagerAccount)}
}

func (o *clusterAdd) limited(ctx context.Context, c cluster.Cluster) ([]string, error) {
	c.Config.WarningHandler = rest.NoWarnings{}
	as, err := cluster.NewReviewer(c.Config)
	if err != nil {
		return nil, err
	}
	return c.Limited(ctx, as)
}
