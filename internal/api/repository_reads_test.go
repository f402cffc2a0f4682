package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/view"
)

// reached remembers how repositories were asked whether they answer.
type reached struct {
	asked []string
	err   error
}

func (r *reached) reach(_ context.Context, project, repo string, with *corev1.Secret) error {
	text := project + " " + repo
	if with != nil {
		text += " by " + string(with.Data["username"]) + " " + string(with.Data["password"])
	}
	r.asked = append(r.asked, text)
	return r.err
}

// asks has the world's repositories asked by a test.
func (w *world) asks() *reached {
	asked := &reached{}
	w.options.Reach = asked.reach
	w.options.Repository = func(_ context.Context, project, _, revision string) (view.RepositoryTree, error) {
		return view.RepositoryTree{Folders: []view.Folder{{Path: ".", Type: "Directory"}, {Path: "k8s/web", Type: "Kustomize"}, {Path: "as " + project + " at " + revision, Type: "Directory"}}}, nil
	}
	w.handler = Handler(w.options)
	return asked
}

const shopRepository = "/api/v1/repositories/https%3A%2F%2Fgit.example%2Fshop"

// Whether a repository answers is asked by the credentials of its project, believed for a while, and asked anew by who
// wants to know it as of now. What others may see asks nobody.
func TestRepositoriesAnswer(t *testing.T) {
	w := newWorld(t)
	asked := w.asks()
	w.run(t, steps{
		{"added", "admin", http.MethodPost, "/api/v1/repositories", `{"repo":"https://git.example/shop","password":"hunter2","project":"shop"}`, 200, `"status":"Unknown"`},
		{"a chart", "admin", http.MethodPost, "/api/v1/repositories", `{"repo":"https://charts.example","type":"helm"}`, 200, `"type":"helm"`},
		{"hidden", "nobody", http.MethodGet, shopRepository + "?forceRefresh=true", "", 403, "permission denied"},
		{"not in what others list", "nobody", http.MethodGet, "/api/v1/repositories?forceRefresh=true", "", 200, `"items":[]`},
	})
	if len(asked.asked) > 0 {
		t.Errorf("who may see none has asked %q", asked.asked)
	}
	w.run(t, steps{
		{"asked", "reader", http.MethodGet, shopRepository, "", 200, `"status":"Successful"`},
		{"dated", "reader", http.MethodGet, shopRepository, "", 200, `"attemptedAt":"2`},
		{"a chart is not asked", "reader", http.MethodGet, "/api/v1/repositories/https%3A%2F%2Fcharts.example?forceRefresh=true", "", 200, "type helm are not served"},
		{"known", "reader", http.MethodGet, "/api/v1/projects/shop/detailed", "", 200, `"status":"Successful"`},
	})
	if len(asked.asked) != 1 || asked.asked[0] != "shop https://git.example/shop" {
		t.Errorf("asked %q", asked.asked)
	}
	asked.err = &problem.Error{Object: "https://git.example/shop", Cause: "not let in"}
	w.run(t, steps{
		{"what opens it is new", "admin", http.MethodPut, shopRepository, `{"password":"hunter2"}`, 200, `"repo"`},
		{"asked by that", "reader", http.MethodGet, "/api/v1/repositories?forceRefresh=true", "", 200, `"message":"https://git.example/shop: not let in"`},
	})
	if len(asked.asked) != 2 {
		t.Errorf("asked %q", asked.asked)
	}
}

// A repository that is to be added is asked by what was sent, by who may add it, and nothing of it is kept.
func TestValidateRepository(t *testing.T) {
	w := newWorld(t)
	asked := w.asks()
	const path = shopRepository + "/validate"
	w.run(t, steps{
		{"as a URL", "admin", http.MethodPost, path, `"https://git.example/shop.git"`, 200, ""},
		{"with what opens it", "admin", http.MethodPost, path + "?project=shop", `{"username":"me","password":"hunter2"}`, 200, ""},
		{"a password in the address", "admin", http.MethodPost, path + "?password=x", `"https://git.example/shop"`, 400, "password"},
		{"another one", "admin", http.MethodPost, path, `"https://git.example/bank"`, 400, "not the repository of the path"},
		{"of another type", "admin", http.MethodPost, path, `{"type":"helm"}`, 400, "not served"},
		{"a field that there is not", "admin", http.MethodPost, path, `{"passwort":"x"}`, 400, "passwort"},
		{"neither", "admin", http.MethodPost, path, `7`, 400, ""},
		{"by who may only read", "reader", http.MethodPost, path, `"https://git.example/shop"`, 403, "permission denied"},
	})
	if got := strings.Join(asked.asked, "; "); got != " https://git.example/shop by  ; shop https://git.example/shop by me hunter2" {
		t.Errorf("asked %q", got)
	}
	for err, want := range map[error]string{&problem.Error{Object: "host", Cause: "wrong password"}: "host: wrong password", errors.New("hunter2"): "something went wrong", context.DeadlineExceeded: "no answer in 20s"} {
		asked.err = err
		w.run(t, steps{{"not let in", "admin", http.MethodPost, path, `{"password":"hunter2"}`, 400, want}})
	}
	w.run(t, steps{{"not added", "admin", http.MethodGet, "/api/v1/repositories", "", 200, `"items":[]`}})
}

// What is in a repository is shown to who may see that it is added, by its own credentials, and else to who may deploy
// it in a project that permits it.
func TestWhatIsInARepository(t *testing.T) {
	w := newWorld(t)
	w.asks()
	w.run(t, steps{
		{"to who may deploy it", "shopper", http.MethodGet, shopRepository + "/refs?appProject=shop", "", 200, `"branches":["shop"]`},
		{"not of another project", "shopper", http.MethodGet, shopRepository + "/refs?appProject=bank", "", 403, "permission denied"},
		{"not by default", "shopper", http.MethodGet, shopRepository + "/refs", "", 403, "permission denied"},
		{"one that the project does not permit", "admin", http.MethodGet, "/api/v1/repositories/https%3A%2F%2F10.0.0.1%2Fx/refs?appProject=shop", "", 400, "sourceRepos"},
		{"by who may only read", "reader", http.MethodGet, shopRepository + "/refs?appProject=shop", "", 403, "permission denied"},
		{"added", "admin", http.MethodPost, "/api/v1/repositories", `{"repo":"https://git.example/shop","project":"bank"}`, 200, ""},
		{"by who may see it", "reader", http.MethodGet, shopRepository + "/refs", "", 200, `"branches":["bank"]`},
		{"for another project than it is for", "reader", http.MethodGet, shopRepository + "/refs?appProject=shop", "", 403, "permission denied"},
		{"folders", "reader", http.MethodGet, shopRepository + "/apps?revision=v1", "", 200, `{"path":"as bank at v1","type":"Directory"}`},
		{"a folder", "reader", http.MethodPost, shopRepository + "/appdetails", `{"source":{"repoURL":"https://git.example/shop","path":"./k8s/web/"}}`, 200, `{"kustomize":{},"type":"Kustomize"}`},
		{"the top", "reader", http.MethodPost, shopRepository + "/appdetails", `{"source":{"path":""}}`, 200, `{"directory":{},"type":"Directory"}`},
		{"no folder", "reader", http.MethodPost, shopRepository + "/appdetails", `{"source":{"path":"../k8s"}}`, 400, "source.path: no folder k8s"},
		{"a chart", "reader", http.MethodPost, shopRepository + "/appdetails", `{"source":{"chart":"web"}}`, 400, "charts of Helm are not served"},
		{"another repository", "reader", http.MethodPost, shopRepository + "/appdetails", `{"source":{"repoURL":"https://git.example/bank","path":"."}}`, 400, "not the repository of the path"},
		{"hidden", "nobody", http.MethodPost, shopRepository + "/appdetails", `{"source":{"path":"k8s"}}`, 403, "permission denied"},
	})
}
