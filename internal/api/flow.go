package api

import (
	"errors"
	"net/http"

	"github.com/cyan-cd/cyan/internal/auth"
)

// flows are the log-in by an issuer and the log-out of browsers, which are sent from page to page rather than make
// calls.
type flows struct{ *service }

func (f flows) register(mux *http.ServeMux) {
	mux.HandleFunc("GET "+auth.LoginPath, f.begin)
	mux.HandleFunc("GET "+auth.CallbackPath, f.finish)
	mux.HandleFunc("GET "+auth.DexCallbackPath, f.finish)
	mux.HandleFunc("GET "+auth.LogoutPath, f.logout)
}

// begin sends a browser to the issuer.
func (f flows) begin(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if err := f.auth.BeginLogin(w, r); err != nil {
		f.failed(r, err)
		var flow *auth.FlowError
		if !errors.As(err, &flow) {
			flow = &auth.FlowError{Code: auth.CodeNotConfigured}
		}
		f.auth.Fail(w, r, flow.Code)
	}
}

// finish answers a browser that comes back from the issuer.
func (f flows) finish(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	id, err := f.auth.FinishLogin(w, r)
	if err != nil {
		f.failed(r, err)
		return
	}
	f.log.Info("audit", "who", id.Name, "name", id.DisplayName, "how", string(id.How), "token", id.TokenID, "from", f.auth.Address(r), "call", "issuerLogin", "path", r.URL.Path, "outcome", "done")
}

func (f flows) failed(r *http.Request, err error) {
	if f.refusals.allow() {
		f.log.Warn("audit", "from", f.auth.Address(r), "call", "issuerLogin", "path", r.URL.Path, "outcome", "refused", "why", err.Error())
	}
}

// logout ends the session of a browser that this page, or a person, has sent here. Another site's link ends none.
func (f flows) logout(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if from := r.Header.Get("Sec-Fetch-Site"); from != "" && from != "same-origin" && from != "none" {
		f.refusedUnread(r, "request comes from another site")
		http.Redirect(w, r, f.auth.Below("/"), http.StatusSeeOther)
		return
	}
	next := f.auth.LogoutURL(r)
	who := f.identify(r)
	cookies, err := f.auth.Logout(r)
	if err != nil {
		f.log.Error("session not ended", "err", err)
		writeError(w, shown(err))
		return
	}
	for _, cookie := range cookies {
		http.SetCookie(w, cookie)
	}
	if who.LoggedIn() {
		f.log.Info("audit", "who", who.Name, "how", string(who.How), "token", who.TokenID, "from", f.auth.Address(r), "call", "logout", "path", r.URL.Path, "outcome", "done")
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}
