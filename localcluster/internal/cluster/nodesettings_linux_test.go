package cluster

import (
	"bytes"
	"slices"
	"testing"

	"github.com/coredns/caddy/caddyfile"

	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// The directory of a cluster may be called anything, and is one word in what the DNS server reads.
func TestCorefileTakesAnyDirectory(t *testing.T) {
	for _, path := range []string{"/root/.local/share/cyan", "/home/ada/my own", "/tmp/a {b} c", `/tmp/of "Ada"`, "/tmp/a#b", "/tmp/a #b", `/tmp/a\b`} {
		n := nodeSettings{Dir: state.Dir{Path: path}, NodeAddress: "172.30.0.1", DNSReady: "8181", Outside: true}
		blocks, err := caddyfile.Parse("Corefile", bytes.NewBufferString(n.corefile()), nil)
		if err != nil {
			t.Errorf("%s: %v\n%s", path, err, n.corefile())
			continue
		}
		var words []string
		for _, token := range blocks[0].Tokens["kubernetes"] {
			words = append(words, token.Text)
		}
		at := slices.Index(words, "kubeconfig") + 1
		if at == 0 || words[at] != kubeconfigOf(n.Dir, "dns") || words[at+1] != "pods" {
			t.Errorf("%s: got %q", path, words)
		}
	}
}
