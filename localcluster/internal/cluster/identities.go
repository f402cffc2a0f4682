package cluster

import (
	"fmt"

	"github.com/cyan-cd/cyan/localcluster/internal/metrics"
	"github.com/cyan-cd/cyan/localcluster/internal/parts"
	"github.com/cyan-cd/cyan/localcluster/internal/pki"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// identities are the files by which the parts know each other.
type identities struct {
	clusterCA, frontCA               *pki.Authority
	serving, toKubelet, toExtensions pki.Pair
	kubeletServing, metricsServing   pki.Pair
	serviceAccounts                  string
	// ingressCA signs for names below localhost alone, so that people can trust it.
	ingressCA *pki.Authority
}

const masters = "system:masters"

// issueIdentities makes certificates and kubeconfigs anew. Those of before stay valid, because the authorities stay.
// outside is the API server's URL on this machine, inside the one that the parts use.
func issueIdentities(dir state.Dir, outside, inside string, hosts []string) (identities, error) {
	var ids identities
	var err error
	if ids.clusterCA, err = pki.OpenAuthority(dir.PKI(), "ca"); err != nil {
		return ids, err
	}
	if ids.frontCA, err = pki.OpenAuthority(dir.PKI(), "front-proxy-ca"); err != nil {
		return ids, err
	}
	if ids.ingressCA, err = pki.OpenAuthority(dir.PKI(), ingressAuthority, "localhost"); err != nil {
		return ids, err
	}
	if ids.serviceAccounts, err = pki.ServiceAccountKey(dir.PKI()); err != nil {
		return ids, err
	}
	apiHosts := append([]string{
		loopback, "::1", "localhost", serviceIP, "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}, hosts...)
	for _, want := range []struct {
		by      *pki.Authority
		pair    *pki.Pair
		name    string
		subject pki.Subject
	}{
		{ids.clusterCA, &ids.serving, "apiserver", pki.Subject{Name: "kube-apiserver", Hosts: apiHosts}},
		{ids.clusterCA, &ids.toKubelet, "apiserver-kubelet-client", pki.Subject{Name: "kube-apiserver-kubelet-client", Groups: []string{masters}}},
		{ids.clusterCA, &ids.kubeletServing, "kubelet", pki.Subject{Name: "system:node:" + nodeName, Groups: []string{"system:nodes"}, Hosts: append([]string{nodeName, loopback}, hosts...)}},
		{ids.clusterCA, &ids.metricsServing, "metrics", pki.Subject{Name: "cyan-metrics", Hosts: append([]string{metrics.Host, loopback}, hosts...)}},
		{ids.frontCA, &ids.toExtensions, "front-proxy-client", pki.Subject{Name: frontProxyName}},
	} {
		if *want.pair, err = want.by.Issue(dir.PKI(), want.name, want.subject); err != nil {
			return ids, err
		}
	}
	return ids, ids.writeKubeconfigs(dir, outside, inside)
}

func (ids identities) writeKubeconfigs(dir state.Dir, outside, inside string) error {
	for _, want := range []struct {
		file, server string
		subject      pki.Subject
	}{
		{dir.Kubeconfig(), outside, pki.Subject{Name: "cyan-admin", Groups: []string{masters}}},
		{kubeconfigOf(dir, "controller-manager"), inside, pki.Subject{Name: "system:kube-controller-manager", Groups: []string{masters}}},
		{kubeconfigOf(dir, "scheduler"), inside, pki.Subject{Name: "system:kube-scheduler"}},
		{kubeconfigOf(dir, "kubelet"), inside, pki.Subject{Name: "system:node:" + nodeName, Groups: []string{"system:nodes"}}},
		{kubeconfigOf(dir, "proxy"), inside, pki.Subject{Name: "system:kube-proxy"}},
		{kubeconfigOf(dir, "dns"), inside, pki.Subject{Name: "cyan-dns", Groups: []string{masters}}},
		{kubeconfigOf(dir, parts.Ingress), inside, pki.Subject{Name: "cyan-ingress", Groups: []string{masters}}},
		{kubeconfigOf(dir, "metrics"), inside, pki.Subject{Name: "cyan-metrics", Groups: []string{masters}}},
		{kubeconfigOf(dir, "nodes"), inside, pki.Subject{Name: "cyan-simulated-nodes", Groups: []string{masters}}},
	} {
		config := pki.Kubeconfig{Context: contextName(dir), Server: want.server, Subject: want.subject}
		if err := ids.clusterCA.WriteKubeconfig(want.file, config); err != nil {
			return fmt.Errorf("writing the kubeconfig of %s: %w", want.subject.Name, err)
		}
	}
	return nil
}

func kubeconfigOf(dir state.Dir, part string) string { return dir.Config(part + ".kubeconfig") }

// contextName is "cyan" for the usual cluster, and tells others apart.
func contextName(dir state.Dir) string {
	if usual, err := state.At(""); err == nil && usual.Path == dir.Path {
		return "cyan"
	}
	return "cyan-" + dir.ID
}
