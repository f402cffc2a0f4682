// Package cluster reads and writes the Secrets by which clusters are registered: how a cluster is reached, and how much of it is used.
package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Cluster is how a registered cluster is reached, and how much of it is used.
type Cluster struct {
	Server, Name string
	Config       *rest.Config
	// Namespaces limits what is watched; all when empty.
	Namespaces []string
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
	ProxyURL    string       `json:"proxyUrl,omitempty"`
}

// TLS says whom to trust, and as whom to come.
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

// FromSecret reads a cluster Secret. Its errors name the Secret and never its content.
func FromSecret(secret *corev1.Secret) (Cluster, error) {
	wrong := func(problem string) (Cluster, error) {
		return Cluster{}, fmt.Errorf("cluster Secret %s/%s: %s", secret.Namespace, secret.Name, problem)
	}
	server := strings.TrimRight(string(secret.Data["server"]), "/")
	if server == "" {
		return wrong("it has no server; give the URL of the cluster's API server")
	}
	var c Connection
	if raw := secret.Data["config"]; len(raw) > 0 {
		if err := json.Unmarshal(raw, &c); err != nil {
			return wrong("its config is no JSON of the known shape; it takes username, password, bearerToken, tlsClientConfig, execProviderConfig and proxyUrl")
		}
	}
	config := &rest.Config{
		Host: server, Username: c.Username, Password: c.Password, BearerToken: c.BearerToken,
		TLSClientConfig: rest.TLSClientConfig{
			Insecure: c.TLS.Insecure, ServerName: c.TLS.ServerName,
			CertData: c.TLS.CertData, KeyData: c.TLS.KeyData, CAData: c.TLS.CAData,
		},
	}
	if config.Insecure && len(config.CAData) > 0 {
		return wrong("tlsClientConfig has insecure and caData; keep the one that is meant")
	}
	if c.ProxyURL != "" {
		proxy, err := url.Parse(c.ProxyURL)
		if err != nil {
			return wrong("its proxyUrl is no URL")
		}
		config.Proxy = http.ProxyURL(proxy)
	}
	if c.Exec != nil {
		config.ExecProvider = execProvider(*c.Exec)
	}
	found := Cluster{Server: server, Name: string(secret.Data["name"]), Config: config, Project: string(secret.Data["project"])}
	if found.Name == "" {
		found.Name = server
	}
	for namespace := range strings.SplitSeq(string(secret.Data["namespaces"]), ",") {
		if namespace = strings.TrimSpace(namespace); namespace != "" {
			found.Namespaces = append(found.Namespaces, namespace)
		}
	}
	return found, nil
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
