package cluster_test

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/internal/cluster"
)

// secret is one of clusters, of key=value.
func secret(data ...string) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "far"}, Data: map[string][]byte{}}
	for _, d := range data {
		key, value, _ := strings.Cut(d, "=")
		s.Data[key] = []byte(value)
	}
	return s
}

func TestFromSecret(t *testing.T) {
	full := `config={"bearerToken":"tok","tlsClientConfig":{"caData":"Q0E=","certData":"Q1JU","keyData":"S0VZ","serverName":"inner"},"proxyUrl":"http://proxy.example:3128"}`
	got, err := cluster.FromSecret(secret("name=far", "server=https://far.example/", "namespaces=shop, blog,", "project=team", full), none)
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "far" || got.Server != "https://far.example" || got.Project != "team" || strings.Join(got.Namespaces, " ") != "shop blog" {
		t.Errorf("%+v", got)
	}
	if c := got.Config; c.Host != "https://far.example" || c.BearerToken != "tok" || string(c.CAData) != "CA" || string(c.CertData) != "CRT" || string(c.KeyData) != "KEY" || c.ServerName != "inner" || c.Proxy == nil {
		t.Errorf("%+v", c)
	}
}

// How much of a cluster is used is what its Secret says, and less rather than more where that cannot be read.
func TestHowMuchOfAClusterIsUsed(t *testing.T) {
	for name, c := range map[string]struct {
		data []string
		// uses are the namespaces of which objects are used, "" for kinds without one.
		uses, not []string
		refused   string
	}{
		"all":                       {uses: []string{"", "shop", "blog"}},
		"namespaces":                {data: []string{"namespaces=shop, blog"}, uses: []string{"shop", "blog"}, not: []string{"", "sho", "kube-system"}},
		"and kinds without one":     {data: []string{"namespaces=shop", "clusterResources=true"}, uses: []string{"", "shop"}, not: []string{"blog"}},
		"and not kinds without one": {data: []string{"namespaces=shop", "clusterResources=false"}, uses: []string{"shop"}, not: []string{"", "blog"}},
		"no namespaces after all":   {data: []string{"namespaces= , "}, uses: []string{"", "shop"}},
		"kinds without one, of all": {data: []string{"clusterResources=false"}, uses: []string{"", "shop"}},
		"neither true nor false":    {data: []string{"namespaces=shop", "clusterResources=yes"}, refused: "clusterResources is invalid; set it to true or false"},
	} {
		got, err := cluster.FromSecret(secret(append(c.data, "server=https://far.example")...), none)
		if c.refused != "" {
			if err == nil || !strings.Contains(err.Error(), c.refused) || got.Config != nil {
				t.Errorf("%s: got %v, want an error with %q", name, err, c.refused)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, namespace := range c.uses {
			if !got.Uses(namespace) {
				t.Errorf("%s: namespace %q is not used", name, namespace)
			}
		}
		for _, namespace := range c.not {
			if got.Uses(namespace) {
				t.Errorf("%s: namespace %q is used", name, namespace)
			}
		}
	}
}

// none is what a command allows.
var none = cluster.Programs{Remedy: "say so to the server"}

// A Secret's config decides nothing about what runs or is read on this machine.
func TestWhatASecretMayHaveRun(t *testing.T) {
	exec := func(rest string) string {
		return `config={"execProviderConfig":{` + rest + `,"apiVersion":"client.authentication.k8s.io/v1beta1"}}`
	}
	for _, c := range []struct {
		name, config string
		allowed      []string
		// runs is the program that the connection runs; refused a part of the error.
		runs, refused string
	}{
		{name: "no config", config: "config="},
		{name: "a token", config: `config={"bearerToken":"hidden"}`},
		{name: "a program, none allowed", config: exec(`"command":"aws"`), refused: `execProviderConfig command "aws" not allowed; say so to the server`},
		{name: "a program in another spelling", config: `config={"EXECPROVIDERCONFIG":{"COMMAND":"aws"}}`, refused: `command "aws" not allowed`},
		{name: "no command", config: exec(`"command":""`), allowed: []string{"aws"}, refused: `command "" not allowed`},
		{name: "an allowed program", config: exec(`"command":"aws","args":["eks"]`), allowed: []string{"gcloud", "aws"}, runs: "aws"},
		{name: "another than the allowed one", config: exec(`"command":"sh"`), allowed: []string{"aws"}, refused: `"sh" not allowed`},
		{name: "a path, where a name is allowed", config: exec(`"command":"/tmp/aws"`), allowed: []string{"aws"}, refused: `"/tmp/aws" not allowed`},
		{name: "a relative path", config: exec(`"command":"./aws"`), allowed: []string{"aws", "./aws"}, refused: `"./aws" not allowed`},
		{name: "an allowed path", config: exec(`"command":"/usr/bin/aws"`), allowed: []string{"/usr/bin/aws"}, runs: "/usr/bin/aws"},
		{name: "a name, where a path is allowed", config: exec(`"command":"aws"`), allowed: []string{"/usr/bin/aws"}, refused: `"aws" not allowed`},
		{name: "a way out of an allowed path", config: exec(`"command":"/usr/bin/../../tmp/aws"`), allowed: []string{"/usr/bin/aws"}, refused: "not allowed"},
		{name: "an environment that is harmless", config: exec(`"command":"aws","env":{"AWS_PROFILE":"shop"}`), allowed: []string{"aws"}, runs: "aws"},
		{name: "code put into an allowed program", config: exec(`"command":"aws","env":{"LD_PRELOAD":"/tmp/hidden.so"}`), allowed: []string{"aws"}, refused: `env "LD_PRELOAD" not allowed`},
		{name: "the same for an interpreter", config: exec(`"command":"aws","env":{"PYTHONPATH":"/tmp/hidden"}`), allowed: []string{"aws"}, refused: `env "PYTHONPATH"`},
		{name: "another search path", config: exec(`"command":"aws","env":{"Path":"/tmp/hidden"}`), allowed: []string{"aws"}, refused: `env "Path"`},
		{name: "a profile that names a program", config: exec(`"command":"aws","env":{"AWS_CONFIG_FILE":"/tmp/hidden"}`), allowed: []string{"aws"}, refused: `env "AWS_CONFIG_FILE"`},
		{name: "Amazon's login", config: `config={"awsAuthConfig":{"clusterName":"shop","roleARN":"hidden"}}`, allowed: []string{"aws", "argocd-k8s-auth"}, refused: "awsAuthConfig is not served"},
		{name: "a kubeconfig's exec", config: `config={"exec":{"command":"aws"}}`, allowed: []string{"aws"}, refused: `unknown field "exec"`},
		{name: "a kubeconfig's auth-provider", config: `config={"auth-provider":{"name":"gcp","config":{"cmd-path":"/tmp/hidden"}}}`, refused: `unknown field "auth-provider"`},
		{name: "the same as a field", config: `config={"authProvider":{"name":"gcp"}}`, refused: `unknown field "authProvider"`},
		{name: "a token file", config: `config={"bearerTokenFile":"/var/run/hidden"}`, refused: `unknown field "bearerTokenFile"`},
		{name: "a kubeconfig's token file", config: `config={"tokenFile":"/var/run/hidden"}`, refused: `unknown field "tokenFile"`},
		{name: "a certificate authority's file", config: `config={"tlsClientConfig":{"caFile":"/etc/hidden"}}`, refused: `unknown field "caFile"`},
		{name: "a certificate's file", config: `config={"tlsClientConfig":{"certFile":"/etc/hidden"}}`, refused: `unknown field "certFile"`},
		{name: "a key's file", config: `config={"tlsClientConfig":{"keyFile":"/etc/hidden"}}`, refused: `unknown field "keyFile"`},
		{name: "a kubeconfig's certificate authority", config: `config={"certificate-authority":"/etc/hidden"}`, refused: `unknown field "certificate-authority"`},
		{name: "somebody else", config: `config={"impersonate":{"userName":"admin"}}`, refused: `unknown field "impersonate"`},
		{name: "a proxy", config: `config={"proxyUrl":"socks5://proxy.example:1080"}`},
		{name: "a proxy on this machine's disk", config: `config={"proxyUrl":"unix:///var/run/hidden.sock"}`, refused: "proxyUrl is invalid"},
		{name: "a proxy that is a file", config: `config={"proxyUrl":"file:///etc/hidden"}`, refused: "proxyUrl is invalid"},
		{name: "a proxy without a scheme", config: `config={"proxyUrl":"proxy.example:hidden"}`, refused: "proxyUrl is invalid"},
		{name: "an unchecked server, as written", config: `config={"tlsClientConfig":{"insecure":true}}`},
		{name: "a second document", config: `config={"bearerToken":"hidden"} {"execProviderConfig":{"command":"aws"}}`, refused: "config is invalid JSON"},
	} {
		programs, err := cluster.AllowPrograms(c.allowed, none.Remedy)
		if err != nil && !strings.Contains(c.name, "relative") {
			t.Fatalf("%s: %v", c.name, err)
		} else if err != nil {
			programs = cluster.Programs{Allowed: c.allowed, Remedy: none.Remedy}
		}
		got, err := cluster.FromSecret(secret("name=far", "server=https://far.example", c.config), programs)
		if c.refused != "" {
			if err == nil || !strings.HasPrefix(err.Error(), "Secret argocd/far: ") || !strings.Contains(err.Error(), c.refused) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("%s: got %v, want an error with %q", c.name, err, c.refused)
			}
			if got.Config != nil || got.Server != "https://far.example" || got.Name != "far" {
				t.Errorf("%s: got %+v, want the cluster's name and no way to reach it", c.name, got)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		runs := ""
		if got.Config.ExecProvider != nil {
			runs = got.Config.ExecProvider.Command
		}
		if runs != c.runs || got.Config.AuthProvider != nil || got.Config.BearerTokenFile != "" || got.Config.CAFile+got.Config.CertFile+got.Config.KeyFile != "" {
			t.Errorf("%s: runs %q, want %q; %+v", c.name, runs, c.runs, got.Config)
		}
	}
}

func TestAllowPrograms(t *testing.T) {
	for command, ok := range map[string]bool{"aws": true, "/usr/bin/aws": true, "": false, "./aws": false, "bin/aws": false, "/usr/bin/../aws": false, "..": false} {
		if _, err := cluster.AllowPrograms([]string{command}, ""); (err == nil) != ok {
			t.Errorf("%q: %v", command, err)
		}
	}
}

// What can't be used is refused with its name and without its content.
func TestSecretsThatCantBeUsed(t *testing.T) {
	for _, c := range []struct {
		data []string
		says string
	}{
		{[]string{"name=far"}, "server is missing"},
		{[]string{"server=file:///etc/hidden-token"}, "server is invalid"},
		{[]string{"server=unix:///run/hidden-token"}, "server is invalid"},
		{[]string{"server=/run/hidden-token"}, "server is invalid"},
		{[]string{"server=https://ada:hidden-token@far.example"}, "server is invalid"},
		{[]string{"server=https://far.example", "config=hidden-token"}, "invalid JSON"},
		{[]string{"server=https://far.example", `config={"tlsClientConfig":{"insecure":true,"caData":"Q0E="},"bearerToken":"hidden-token"}`}, "insecure and caData"},
		{[]string{"server=https://far.example", `config={"proxyUrl":"http://hidden-token@%zz"}`}, "proxyUrl"},
	} {
		found, err := cluster.FromSecret(secret(c.data...), none)
		if err == nil || !strings.Contains(err.Error(), "argocd/far") || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hidden-token") {
			t.Errorf("%v: %v", c.data, err)
		}
		if shown := found.Name + found.Server; strings.Contains(shown, "://") && strings.Contains(shown, "@") {
			t.Errorf("%v: shown as %s", c.data, shown)
		}
	}
}

// What is written is read back the same.
func TestConnectionThereAndBack(t *testing.T) {
	config, err := json.Marshal(cluster.Connection{BearerToken: "tok", ProxyURL: "http://proxy.example", TLS: cluster.TLS{CAData: []byte("CA")}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := cluster.FromSecret(secret("server=https://far.example", "config="+string(config)), none)
	if err != nil || got.Config.BearerToken != "tok" || string(got.Config.CAData) != "CA" || got.Config.Insecure {
		t.Errorf("%s: %+v, %v", config, got.Config, err)
	}
}
