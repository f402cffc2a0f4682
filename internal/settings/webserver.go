package settings

import "strings"

// WebServer is what ConfigMap argocd-cmd-params-cm says about how the page and the API are served.
type WebServer struct {
	// Insecure has them served in plain HTTP, for a proxy in front that ends TLS.
	Insecure bool
	// Root is the path that they are below; "" for none.
	Root string
}

// ParseWebServer reads the data of ConfigMap argocd-cmd-params-cm. A server answers below its root whether or not a
// proxy has taken that from the path, so that rootpath and basehref are the same to it.
func ParseWebServer(data map[string]string) WebServer {
	value := func(key string) string { return strings.TrimSpace(data[key]) }
	w := WebServer{Insecure: value("server.insecure") == "true", Root: value("server.rootpath")}
	if w.Root == "" && value("server.basehref") != "/" {
		w.Root = value("server.basehref")
	}
	return w
}
