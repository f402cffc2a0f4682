package metrics

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/localcluster/internal/pki"
)

// NoMetrics is what is answered where nodes are simulated.
const NoMetrics = "metrics: pods are simulated here and use nothing, so there are none; a cluster with a real node has them: `cyan local up --nodes real`, as root on Linux"

// ServeNone answers for the metrics API that there are no metrics, to kube-apiserver alone. It returns the port on
// 127.0.0.1 and how to stop it.
func ServeNone(serving pki.Pair, frontCA, frontName string) (port int32, stop func(), err error) {
	certificate, err := tls.LoadX509KeyPair(serving.CertFile, serving.KeyFile)
	if err != nil {
		return 0, nil, fmt.Errorf("reading the certificate of the metrics API: %w", err)
	}
	trusted, err := os.ReadFile(frontCA)
	if err != nil {
		return 0, nil, fmt.Errorf("reading the authority of kube-apiserver: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(trusted) {
		return 0, nil, errors.New("reading the authority of kube-apiserver: no certificate found in " + frontCA)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, nil, fmt.Errorf("listening for the metrics API: %w", err)
	}
	server := &http.Server{
		Handler: onlyFor(frontName, none()), ReadHeaderTimeout: 5 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven, MinVersion: tls.VersionTLS12},
	}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	return int32(listener.Addr().(*net.TCPAddr).Port), func() { _ = server.Close() }, nil
}

// onlyFor lets only the client through whose certificate has the name.
func onlyFor(name string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || r.TLS.PeerCertificates[0].Subject.CommonName != name {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// none serves what the metrics API consists of, and refuses everything in it.
func none() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /apis/"+group+"/"+version, func(w http.ResponseWriter, _ *http.Request) {
		verbs := metav1.Verbs{"get", "list"}
		answer(w, http.StatusOK, &metav1.APIResourceList{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIResourceList"}, GroupVersion: group + "/" + version,
			APIResources: []metav1.APIResource{
				{Name: "nodes", Kind: "NodeMetrics", Verbs: verbs}, {Name: "pods", Kind: "PodMetrics", Namespaced: true, Verbs: verbs},
			},
		})
	})
	mux.HandleFunc("/apis/"+group+"/"+version+"/", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusNotImplemented, &metav1.Status{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Code: http.StatusNotImplemented,
			Reason: "NotImplemented", Message: NoMetrics,
		})
	})
	return mux
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}
