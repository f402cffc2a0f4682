package source

// The ConfigMaps in which existing installations keep whom they trust, beside their Applications.
const (
	// KnownHostsName has the lines of a known_hosts file under KnownHostsKey.
	KnownHostsName = "argocd-ssh-known-hosts-cm"
	// CertificatesName has certificates in PEM under the names of the hosts that they are trusted for.
	CertificatesName = "argocd-tls-certs-cm"

	// KnownHostsKey is that of the lines.
	KnownHostsKey = "ssh_known_hosts"
)

// Trust is what the two ConfigMaps hold. The zero value trusts whom this machine trusts.
type Trust struct{ KnownHosts, Certificates map[string]string }
