package api

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// codeUnimplemented is the code of gRPC for what is not served.
const codeUnimplemented = 12

// noGRPC is what a program is told that speaks gRPC.
const noGRPC = "gRPC: not served; call cyan by the name argocd in place of that program, or use the REST API below /api/v1"

// refuseGRPC answers programs that speak gRPC, or gRPC-Web, in one sentence that they show.
func refuseGRPC(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := r.Header.Get("Content-Type")
		if !strings.HasPrefix(kind, "application/grpc") {
			next.ServeHTTP(w, r)
			return
		}
		answer := "application/grpc"
		if strings.HasPrefix(kind, "application/grpc-web") {
			answer = "application/grpc-web+proto"
		}
		h := w.Header()
		h.Set("Content-Type", answer)
		h.Set("Grpc-Status", strconv.Itoa(codeUnimplemented))
		h.Set("Grpc-Message", strings.ReplaceAll(url.QueryEscape(noGRPC), "+", "%20"))
		w.WriteHeader(http.StatusOK)
	})
}
