package destination

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"net/http"
)

// connection is the config entry of a cluster Secret.
type connection struct {
	Username        string      `json:"username"`
	Password        string      `json:"password"`
	BearerToken     string      `json:"bearerToken"`
	TLSClientConfig tlsSettings `json:"tlsClientConfig"`
	Exec            *program    `json:"execProviderConfig"`
	ProxyURL        string      `json:"proxyUrl"`
}

type tlsSettings struct {
	Insecure   bool   `json:"insecure"`
	ServerName string `json:"serverName"`
	CertData   []byte `json:"certData"`
	KeyData    []byte `json:"keyData"`
	CAData     []byte `json:"caData"`
}

type program struct {
	Command     string            `json:"command"`
	Args        []string          `json:"args"`
	Env         map[string]string `json:"env"`
	APIVersion  string            `json:"apiVersion"`
	InstallHint string            `json:"installHint"`
}

// FromSecret reads a cluster Secret. Its errors name the Secret and never its content.
func FromSecret(secret *corev1.Secret) (Spec, error) {
	wrong := func(problem string) (Spec, error) {
		return Spec{}, fmt.Errorf("cluster Secret %s/%s: %s", secret.Namespace, secret.Name, problem)
	}
	server := strings.TrimRight(string(secret.Data["server"]), "/")
	if server == "" {
		return wrong("it has no server; give the URL of the cluster's API server")
	}
	var c connection
	if raw := secret.Data["config"]; len(raw) > 0 {
		if err := json.Unmarshal(raw, &c); err != nil {
			return wrong("its config is no JSON of the known shape; it takes username, password, bearerToken, tlsClientConfig, execProviderConfig and proxyUrl")
		}
	}
	config := &rest.Config{
		Host: server, Username: c.Username, Password: c.Password, BearerToken: c.BearerToken,
		TLSClientConfig: rest.TLSClientConfig{
			Insecure: c.TLSClientConfig.Insecure, ServerName: c.TLSClientConfig.ServerName,
			CertData: c.TLSClientConfig.CertData, KeyData: c.TLSClientConfig.KeyData, CAData: c.TLSClientConfig.CAData,
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
	spec := Spec{Server: server, Name: string(secret.Data["name"]), Config: config, Project: string(secret.Data["project"])}
	if spec.Name == "" {
		spec.Name = server
	}
	for namespace := range strings.SplitSeq(string(secret.Data["namespaces"]), ",") {
		if namespace = strings.TrimSpace(namespace); namespace != "" {
			spec.Namespaces = append(spec.Namespaces, namespace)
		}
	}
	return spec, nil
}

func execProvider(p program) *clientcmdapi.ExecConfig {
	e := &clientcmdapi.ExecConfig{
		Command: p.Command, Args: p.Args, APIVersion: p.APIVersion, InstallHint: p.InstallHint, InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
	}
	for name, value := range p.Env {
		e.Env = append(e.Env, clientcmdapi.ExecEnvVar{Name: name, Value: value})
	}
	return e
}
