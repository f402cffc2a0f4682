// Package cluster reads and writes the Secrets by which clusters are registered: how a cluster is reached, and how
// much of it is used.
//
// What a Secret holds was written by whoever may write Secrets, not by who runs this process: it never names a file
// that is read here, and names a program that is run here only where the process was started with leave for that
// program.
package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	hidden "github.com/cyan-cd/cyan/internal/secret"
)

// Cluster is how a registered cluster is reached, and how much of it is used.
type Cluster struct {
	Server, Name string
	Config       *rest.Config
	// Namespaces are the only ones that are read and written; all when empty. ClusterResources has kinds without a
	// namespace read and written besides.
	Namespaces       []string
	ClusterResources bool
	// Project limits the cluster to the Applications of a project; "" for all.
	Project string
}

// Connection is the config entry of a cluster Secret, as existing tools write and read it.
type Connection struct {
	Username    string       `json:"username,omitempty"`
	Password    string       `json:"password,omitempty"`
	BearerToken string       `json:"bearerToken,omitempty"`
	TLS         TLS          `json:"tlsClientConfig"`
	Exec        *ExecProgram `json:"execProviderConfig,omitempty"`
	// AWS is read to be refused.
	AWS                *AWS   `json:"awsAuthConfig,omitempty"`
	ProxyURL           string `json:"proxyUrl,omitempty"`
	DisableCompression bool   `json:"disableCompression,omitempty"`
}

// AWS is the login of a cluster at Amazon, which existing tools make by a program of their own.
type AWS struct {
	ClusterName string `json:"clusterName,omitempty"`
	RoleARN     string `json:"roleARN,omitempty"`
	Profile     string `json:"profile,omitempty"`
}

// TLS is which server is trusted, and by which certificate this side proves who it is.
type TLS struct {
	Insecure   bool   `json:"insecure"`
	ServerName string `json:"serverName,omitempty"`
	CertData   []byte `json:"certData,omitempty"`
	KeyData    []byte `json:"keyData,omitempty"`
	CAData     []byte `json:"caData,omitempty"`
}

// ExecProgram prints a token, as a kubeconfig's exec plugin does.
type ExecProgram struct {
	Command     string            `json:"command"`
	Args        []string          `json:"args,omitempty"`
	Env         map[string]string `json:"env,omitempty"`
	APIVersion  string            `json:"apiVersion"`
	InstallHint string            `json:"installHint,omitempty"`
}

// FromSecret reads a cluster Secret. Its errors name the Secret and the field, and never a value but the name of a
// program. With an error, the Server and Name that the Secret gives are returned all the same, so that the error can be
// shown to who names them; a URL that has credentials in it, which is one of the errors, without these.
func FromSecret(secret *corev1.Secret, allowed Programs) (Cluster, error) {
	server := strings.TrimRight(string(secret.Data["server"]), "/")
	found := Cluster{Server: hidden.WithoutCredentials(server), Name: string(secret.Data["name"]), Project: string(secret.Data["project"])}
	if found.Name == "" {
		found.Name = found.Server
	}
	for namespace := range strings.SplitSeq(string(secret.Data["namespaces"]), ",") {
		if namespace = strings.TrimSpace(namespace); namespace != "" {
			found.Namespaces = append(found.Namespaces, namespace)
		}
	}
	var err error
	if found.ClusterResources, err = flag(secret, "clusterResources"); err != nil {
		return found, fmt.Errorf("Secret %s/%s: %w", secret.Namespace, secret.Name, err)
	}
	if found.Config, err = restConfig(server, secret.Data["config"], allowed); err != nil {
		return found, fmt.Errorf("Secret %s/%s: %w", secret.Namespace, secret.Name, err)
	}
	return found, nil
}

// flag reads an entry that is true or false; one that is missing is false.
func flag(secret *corev1.Secret, name string) (bool, error) {
	text := strings.TrimSpace(string(secret.Data[name]))
	if text == "" {
		return false, nil
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("%s is invalid; set it to true or false", name)
	}
	return value, nil
}

// Limits reports whether the cluster is used in a part only.
func (c Cluster) Limits() bool { return len(c.Namespaces) > 0 }

// Uses reports whether objects of a namespace are read and written; of kinds without one, when it is "".
func (c Cluster) Uses(namespace string) bool {
	if namespace == "" {
		return !c.Limits() || c.ClusterResources
	}
	return !c.Limits() || slices.Contains(c.Namespaces, namespace)
}

func restConfig(server string, raw []byte, allowed Programs) (*rest.Config, error) {
	if err := checkServer(server); err != nil {
		return nil, err
	}
	c, err := parseConnection(raw)
	if err != nil {
		return nil, err
	}
	config := &rest.Config{
		Host: server, Username: c.Username, Password: c.Password, BearerToken: c.BearerToken, DisableCompression: c.DisableCompression, Dial: dialer.DialContext,
		TLSClientConfig: rest.TLSClientConfig{
			Insecure: c.TLS.Insecure, ServerName: c.TLS.ServerName,
			CertData: c.TLS.CertData, KeyData: c.TLS.KeyData, CAData: c.TLS.CAData,
		},
	}
	if config.Insecure && len(config.CAData) > 0 {
		return nil, errors.New("tlsClientConfig has both insecure and caData; keep the one that is meant")
	}
	if c.ProxyURL != "" {
		proxy, err := parseProxy(c.ProxyURL)
		if err != nil {
			return nil, err
		}
		config.Proxy = http.ProxyURL(proxy)
	}
	if c.AWS != nil {
		return nil, errors.New("awsAuthConfig is not served; keep a bearerToken there, or execProviderConfig with the command aws and the args eks, get-token, --cluster-name, NAME")
	}
	if c.Exec != nil {
		if err := allowed.check(*c.Exec); err != nil {
			return nil, err
		}
		config.ExecProvider = execProvider(*c.Exec)
	}
	return config, nil
}

// checkServer refuses a server that is reached by anything but HTTP. A host without a scheme is taken as existing
// tools take it.
func checkServer(server string) error {
	if server == "" {
		return errors.New("server is missing; set it to the URL of the cluster's API server")
	}
	if !strings.Contains(server, "://") && !strings.HasPrefix(server, "/") {
		return nil
	}
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return errors.New("server is invalid; set it to the https URL of the cluster's API server, without credentials")
	}
	return nil
}

// knownConfig lists the fields of config, for people.
const knownConfig = "username, password, bearerToken, tlsClientConfig (insecure, serverName, caData, certData, keyData), execProviderConfig, proxyUrl and disableCompression"

// parseConnection reads the config entry. A field that is unknown is an error: it may be a credential under another
// name, or a file or program that is meant to be used.
func parseConnection(raw []byte) (Connection, error) {
	var c Connection
	if len(bytes.TrimSpace(raw)) == 0 {
		return c, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&c)
	if field, unknown := strings.CutPrefix(fmt.Sprint(err), "json: unknown field "); unknown {
		return c, fmt.Errorf("config: unknown field %s; it takes %s", field, knownConfig)
	}
	if err == nil {
		_, err = decoder.Token()
	}
	if !errors.Is(err, io.EOF) {
		return c, errors.New("config is invalid JSON; it takes an object of " + knownConfig)
	}
	return c, nil
}

// proxySchemes are those that Go's HTTP client speaks.
var proxySchemes = []string{"http", "https", "socks5", "socks5h"}

func parseProxy(raw string) (*url.URL, error) {
	proxy, err := url.Parse(raw)
	if err != nil || !slices.Contains(proxySchemes, proxy.Scheme) || proxy.Host == "" {
		return nil, errors.New("proxyUrl is invalid; it takes a URL of a scheme of " + strings.Join(proxySchemes, ", "))
	}
	return proxy, nil
}

func execProvider(p ExecProgram) *clientcmdapi.ExecConfig {
	e := &clientcmdapi.ExecConfig{
		Command: p.Command, Args: p.Args, APIVersion: p.APIVersion, InstallHint: p.InstallHint, InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
	}
	for name, value := range p.Env {
		e.Env = append(e.Env, clientcmdapi.ExecEnvVar{Name: name, Value: value})
	}
	return e
}
